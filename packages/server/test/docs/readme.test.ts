import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { STATUS } from '@claude-proxy/protocol/errors'
import { expect, it } from 'vitest'
import { manPage } from '../../src/cli/manual/man.ts'
import { optionsTable } from '../../src/config.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')

it('the options in the README are those of the code (npm run docs writes them)', () => {
  expect(read('README.md')).toContain(`<!-- options -->\n${optionsTable()}<!-- /options -->`)
})

it('the man page is that of the code (npm run docs writes it)', () => {
  expect(read('deploy/man/claude-proxy.1')).toBe(manPage())
})

it('npm start gives node the flags that the program asks for in its first line', () => {
  const [first = ''] = read('packages/server/src/main.js').split('\n', 1)
  const flags = first.split(' ').slice(3)
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  expect(flags.length).toBeGreaterThan(0)
  for (const name of ['start', 'dev']) expect(scripts[name]?.split(' ')).toEqual(expect.arrayContaining(flags))
})

it('PROTOCOL.md names every endpoint and every error code', () => {
  const protocol = read('PROTOCOL.md')
  for (const { method, path } of Object.values(ENDPOINTS))
    expect(protocol).toContain(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  for (const code of Object.keys(STATUS)) expect(protocol).toContain(`\`${code}\``)
})

it.each(['docs/guarantees.md', 'docs/security.md'])('%s names tests that are there', (document) => {
  const names = [...read(document).matchAll(/`((?:[a-z0-9]+\/)[a-z-]+)`/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(10)
  const isThere = (name: string) =>
    name.startsWith('torture/')
      ? existsSync(join(ROOT, `torture/parts/${name.slice('torture/'.length)}.ts`))
      : [`${name}.test.ts`, `${name}.ts`].some((file) => existsSync(join(ROOT, 'packages/server/test', file)))
  expect(names.filter((name) => !isThere(name))).toEqual([])
})
