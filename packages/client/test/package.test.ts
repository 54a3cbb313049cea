import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { EXECUTABLE } from '../../server/test/support/chromium.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { startDoor } from './door.ts'

/** The package as it is published: what is in it, what it weighs, and where it runs. */

const HERE = join(import.meta.dirname, '..')
const ROOT = join(HERE, '../..')
const OLDEST = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => /^v2[0-5]\./.test(versionOf(path)))
const run = promisify(execFile)

const place = mkdtempSync(join(tmpdir(), 'claude-proxy-package-'))
const built = join(place, 'node_modules/@claude-proxy/client')
beforeAll(async () => {
  writeFileSync(join(place, 'package.json'), '{"type":"module"}')
  await run(process.execPath, [join(HERE, 'build.ts'), built])
})
afterAll(() => rmSync(place, { recursive: true }))

function versionOf(node: string): string {
  return existsSync(node) ? String(execFileSync(node, ['--version'])) : ''
}

/** One script of the package and what uses it. */
async function bundle(code: string, format: 'esm' | 'iife' = 'esm'): Promise<string> {
  writeFileSync(join(place, 'entry.js'), code)
  const bundled = await rolldown({ input: join(place, 'entry.js') })
  const { output } = await bundled.generate({ format, minify: true, name: 'claudeProxy' })
  await bundled.close()
  return output[0].code
}

test.each([
  ['the client, with all it offers,', '@claude-proxy/client', 6000],
  ['what makes a screen of events', '@claude-proxy/client/view', 3000],
])('%s comes to less than is promised, gzipped', async (_, entry, most) => {
  const { length } = gzipSync(await bundle(`export * from '${entry}'`), { level: 9 })
  expect(length).toBeLessThan(most)
  expect(length).toBeGreaterThan(most * 0.75)
})

test('it needs no other package, neither to run nor for its types', () => {
  const files = globSync('**/*.{js,d.ts}', { cwd: built })
  expect(files).toContain('index.js')
  const imports = files.flatMap((file) =>
    [...readFileSync(join(built, file), 'utf8').matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)].map(
      ([, name]) => name,
    ),
  )
  expect(imports.length).toBeGreaterThan(30)
  expect(imports.filter((name) => !/^\.\.?\/.*\.js$/.test(name ?? ''))).toEqual([])
  expect(JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'))).not.toHaveProperty('dependencies')
})

test('its types are those of the source, also to a project without ours', async () => {
  const source = join(HERE, 'src/index.ts')
  writeFileSync(
    join(place, 'same.ts'),
    `import type { Client, FollowItem, KnownEvents, RunOptions } from '@claude-proxy/client'
import type { View } from '@claude-proxy/client/view'
import type * as source from '${source}'
import type * as sourceView from '${join(HERE, 'src/view/index.ts')}'
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type Plain = Exclude<keyof Client, 'call'>
declare const other: { [K in Plain]: Same<Client[K], source.Client[K]> extends true ? never : K }[Plain]
export const none: never = other
export const same: [
  Same<Parameters<Client['call']>, Parameters<source.Client['call']>>,
  Same<FollowItem, source.FollowItem>,
  Same<KnownEvents, source.KnownEvents>,
  Same<RunOptions, source.RunOptions>,
  Same<View['questions'], sourceView.View['questions']>,
] = [true, true, true, true, true]
// @ts-expect-error it is not just anything
export const wrong: Parameters<Client['send']> = ['c', { text: 1 }]
`,
  )
  const options = { lib: ['esnext', 'dom'], types: [], skipLibCheck: false }
  const project = { extends: join(ROOT, 'tsconfig.json'), compilerOptions: options, include: ['same.ts'] }
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(project))
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', place]).catch(({ stdout }: { stdout: string }) =>
    expect(stdout).toBe(''),
  )
})

test('the example of the README compiles', async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(HERE, 'README.md'), 'utf8')) ?? []
  expect(code.split('\n').length).toBeGreaterThan(15)
  const example = join(place, 'example')
  cpSync(built, join(example, 'node_modules/@claude-proxy/client'), { recursive: true })
  writeFileSync(join(example, 'chat.ts'), code)
  const options = { types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] }
  writeFileSync(
    join(example, 'tsconfig.json'),
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions: options, include: ['chat.ts'] }),
  )
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', example]).catch(({ stdout }: { stdout: string }) =>
    expect(stdout).toBe(''),
  )
})

const BOTH = "export * from '@claude-proxy/client'\nexport * from '@claude-proxy/client/view'"

/** Runs a prompt, watches it to its end, and says what it has seen. */
const CHAT = (base: string, cwd: string) => `
  const client = createClient({ baseUrl: ${JSON.stringify(base)} })
  const run = await client.run('@load n=60 rate=200\\n@draft size=200 chunk=20 every=10', { cwd: ${JSON.stringify(cwd)}, partials: true })
  let shown = emptyView
  let opens = 0
  for await (const item of run.events) {
    shown = view(shown, item)
    if (item.kind === 'open') opens++
  }
  const refused = await client.conversation('nobody').catch(({ code }) => code)
  const said = { text: await run.text, entries: shown.entries.length, last: shown.last, opens, refused }`

const SEEN = { text: 'The script has ended.', refused: 'conversation_unknown' }

test.skipIf(OLDEST === undefined)('it runs in an older Node, over a connection that breaks', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  door.cutAfter(() => 8000)
  const code = `import { createClient } from '@claude-proxy/client'
    import { emptyView, view } from '@claude-proxy/client/view'
    ${CHAT(door.base, service.folder())}
    console.log(JSON.stringify(said))`
  writeFileSync(join(place, 'chat.mjs'), code)
  const { stdout } = await run(OLDEST ?? '', [join(place, 'chat.mjs')])
  const said = JSON.parse(stdout) as { opens: number; last: number }
  expect(said).toMatchObject(SEEN)
  expect(said.last).toBeGreaterThan(60)
  expect(said.opens).toBeGreaterThan(1)
})

test.skipIf(EXECUTABLE === undefined)('it runs in a browser, over a connection that breaks', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  const browser = await chromium.launch({
    executablePath: EXECUTABLE ?? '',
    args: ['--no-sandbox'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  await page.goto(`${door.base}/healthz`)
  await page.addScriptTag({ content: await bundle(BOTH, 'iife') })
  door.cutAfter(() => 8000)
  // What the browser keeps for the next request, too.
  door.cut()
  const said = await page.evaluate<{ opens: number; last: number }>(`(async () => {
    const { createClient, emptyView, view } = claudeProxy
    ${CHAT(door.base, service.folder())}
    return said
  })()`)
  expect(said).toMatchObject(SEEN)
  expect(said.last).toBeGreaterThan(60)
  expect(said.opens).toBeGreaterThan(1)
})
