import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { checkSync } from 'recheck'
import { expect, it } from 'vitest'

const PACKAGES = join(import.meta.dirname, '../../..')

interface Pattern {
  readonly source: string
  readonly flags: string
}

const files = globSync('*/src/**/*.{ts,js}', { cwd: PACKAGES })
const found = files.flatMap((file) => patternsOf(file).map((pattern) => [`${file} ${show(pattern)}`, pattern] as const))

it('the patterns of the sources are found', () => {
  expect(found.length).toBeGreaterThan(40)
})

it.each(found)('no text makes this pattern slow: %s', (_, { source, flags }) => {
  // What it finds comes with a text to try.
  expect(checkSync(source, flags, { timeout: 20_000 })).toMatchObject({ status: 'safe' })
})

it('the checker knows a slow one', () => {
  expect(checkSync(String.raw`^\s*(.+?)\s*$x`, '').status).toBe('vulnerable')
})

/** What stands between slashes in a file, and what is handed to RegExp as a text of its own. */
function patternsOf(file: string): Pattern[] {
  const { program } = parseSync(file, readFileSync(join(PACKAGES, file), 'utf8'))
  const patterns: Pattern[] = []
  new Visitor({
    Literal(node) {
      if ('regex' in node) patterns.push({ source: node.regex.pattern, flags: node.regex.flags })
    },
    NewExpression({ callee, arguments: [pattern] }) {
      if (callee.type !== 'Identifier' || callee.name !== 'RegExp') return
      // The names that are filled in are our own words.
      if (pattern?.type === 'TaggedTemplateExpression')
        patterns.push({ source: pattern.quasi.quasis.map(({ value }) => value.raw).join('word'), flags: '' })
      else throw new Error(`${file} makes a pattern that cannot be looked at`)
    },
  }).visit(program)
  return patterns
}

function show({ source, flags }: Pattern): string {
  return `/${source}/${flags}`
}
