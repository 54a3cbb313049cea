import { spawnSync } from 'node:child_process'
import { expect, it, test } from 'vitest'
import { helpFor } from '../../src/cli/manual/help.ts'
import { manPage } from '../../src/cli/manual/man.ts'
import { PAGES } from '../../src/cli/manual/pages.ts'
import { widthOf } from '../../src/cli/terminal/width.ts'
import { OPTIONS } from '../../src/config.ts'

const hasGroff = spawnSync('groff', ['-v']).status === 0

it.each(PAGES.map((page) => [page.name, page] as const))(
  'the help of %s names its options, and its examples can be typed',
  (name, page) => {
    const help = helpFor(name.split(' '), 80)
    const service = Object.values(OPTIONS).map(({ flag }) => flag)
    for (const { flag } of page.options) expect(help).toContain(`--${flag}`)
    expect(page.examples.length).toBeGreaterThan(0)
    for (const example of page.examples) {
      expect(help).toContain(`\n  ${example}\n`)
      const [, typed = ''] = example.split(`claude-proxy ${name}`)
      expect(example).toContain(`claude-proxy ${name}`)
      const [own = ''] = typed.replaceAll(/"[^"]*"|'[^']*'/g, 'WORDS').split(/[|#>)]/, 1)
      const known = [
        ...page.options.flatMap(({ flag, short }) => [`--${flag}`, `-${short}`]),
        ...service.map((flag) => `--${flag}`),
      ]
      expect(known).toEqual(expect.arrayContaining(own.split(' ').filter((word) => word.startsWith('-'))))
      const needed = page.words.filter((word) => !word.startsWith('['))
      expect(own.split(' ').filter((word) => /^[^-]/.test(word)).length).toBeGreaterThanOrEqual(needed.length)
    }
  },
)

test('the help fits into 40 columns, but for examples, which stay whole to be copied', () => {
  const examples = new Set(PAGES.flatMap((page) => page.examples))
  for (const words of [[], ...PAGES.map(({ name }) => name.split(' '))]) {
    const lines = helpFor(words, 40).split('\n')
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.filter((line) => widthOf(line) > 40 && !examples.has(line.trim()))).toEqual([])
  }
})

test('a first word that needs a second tells of all that it may be; one that there is not, of everything', () => {
  expect(helpFor(['token'], 80)).toMatch(/token create NAME[^]*token list[^]*token revoke/)
  expect(helpFor(['token', 'list'], 80)).not.toContain('token create')
  for (const { name } of PAGES) expect(helpFor(['nonsense'], 80)).toContain(`  claude-proxy ${name}`)
})

test('the man page tells of every command and option, and nothing in it is an order that nobody gave', () => {
  const page = manPage()
  for (const { name, options } of PAGES) {
    expect(page).toContain(`.SS claude\\-proxy ${name}`)
    for (const { flag } of options) expect(page).toContain(`\\-\\-${flag.replaceAll('-', '\\-')}`)
  }
  expect(page).toMatch(/^[ -~\n]*$/)
  const orders = [...page.matchAll(/^[.'](\S+)/gm)].map(([, order]) => order)
  expect(new Set(orders)).toEqual(
    new Set(['\\"', 'TH', 'SH', 'SS', 'B', 'BR', 'br', 'TP', 'PP', 'nf', 'fi', 'RS', 'RE']),
  )
})

test.skipIf(!hasGroff)(
  'groff has nothing to say against the man page, and shows dashes and quotes as they are typed',
  () => {
    const options = { input: manPage(), encoding: 'utf8' } as const
    expect(spawnSync('groff', ['-ww', '-man', '-z', '-Tutf8'], options)).toMatchObject({ status: 0, stderr: '' })
    const shown = spawnSync('groff', ['-man', '-Tascii', '-P-cbou'], options).stdout
    expect(shown).toContain('git diff | claude-proxy run --quiet "Write a commit message for this."')
    expect(shown).toContain(`jq 'select(.who == "phone")'`)
  },
)
