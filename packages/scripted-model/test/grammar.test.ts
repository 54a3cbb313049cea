import { describe, expect, test } from 'vitest'
import { parseScript, type Step } from '../src/grammar.ts'

const bash = (command: string) => ({
  does: 'call',
  tool: 'Bash',
  input: { command, description: 'Run a command of the script' },
})
const write = (path: string, content: string) => [{ does: 'write', path, content }]
const close = { does: 'close', text: undefined }

function steps(...lines: string[]): readonly Step[] {
  const script = parseScript(lines.join('\n'))
  if (script.kind !== 'steps') throw new Error(`not steps: ${JSON.stringify(script)}`)
  return script.steps
}

function parts(...lines: string[]) {
  return steps(...lines).map((step) => step.parts)
}

describe('the grammar', () => {
  test.each(['Hello', '', 'mail me @ home', '@alice knows', '@src/main.ts has it', 'first\n@Bash no', '@bashful x'])(
    'finds no directive in %j',
    (prompt) => {
      expect(parseScript(prompt)).toEqual({ kind: 'none' })
    },
  )

  test('makes each call a response of its own, and closes', () => {
    expect(parts('Please:', '@bash echo one', ' @bash echo two  ')).toEqual([
      [bash('echo one')],
      [bash('echo two')],
      [close],
    ])
  })

  test('puts a text into the same response as the call after it', () => {
    expect(parts('@say Look:', '@bash ls', '@say Bye')).toEqual([
      [{ does: 'say', text: 'Look:' }, bash('ls')],
      [{ does: 'say', text: 'Bye' }, close],
    ])
  })

  test('says of a response and all later ones what they have used', () => {
    expect(steps('@bash one', '@bash two', '@usage 1000 20', '@end Done.').map(({ usage }) => usage)).toEqual([
      undefined,
      { input: 1000, output: 20 },
      { input: 1000, output: 20 },
    ])
    expect(parseScript('@usage 1000')).toMatchObject({ kind: 'unreadable' })
  })

  test('joins what begins with an ampersand', () => {
    expect(parts('@bash a', '& @bash b', '&@say so', '@bash c')).toEqual([
      [bash('a'), bash('b'), { does: 'say', text: 'so' }],
      [bash('c')],
      [close],
    ])
  })

  test('reads what is to be written, with blanks in the path and new lines in the content', () => {
    expect(parts('@write a.txt one\\ntwo ', '@write "my file.txt"  x', '@write empty')).toEqual([
      write('a.txt', 'one\ntwo'),
      write('my file.txt', ' x'),
      write('empty', ''),
      [close],
    ])
  })

  test('calls any tool with any input', () => {
    expect(parts('@tool Read {"file_path": "/etc/hosts"}', '@tool mcp__x__list')).toEqual([
      [{ does: 'call', tool: 'Read', input: { file_path: '/etc/hosts' } }],
      [{ does: 'call', tool: 'mcp__x__list', input: {} }],
      [close],
    ])
  })

  test('slows from the response on in which it stands', () => {
    expect(steps('@bash a', '@slow 20', '@bash b', '@slow 0', '@text 10').map((step) => step.delayMs)).toEqual([
      20, 0, 0,
    ])
    expect(steps('@slow 20', '@bash a').map((step) => step.delayMs)).toEqual([20, 20])
  })

  test('refuses before the response that follows, always or some times', () => {
    const [first, second, third] = steps('@bash a', '@status 529 2', '@status 429 1', '@bash b', '@status 401')
    expect(first?.refusals).toEqual([])
    expect(second).toMatchObject({
      parts: [bash('b')],
      refusals: [
        { status: 529, times: 2 },
        { status: 429, times: 1 },
      ],
    })
    expect(third).toMatchObject({ parts: [close], refusals: [{ status: 401, times: Number.POSITIVE_INFINITY }] })
  })

  test('breaks the response that follows, with the thoughts that belong to it', () => {
    expect(steps('@bash a', '@think b', '@break 4')).toMatchObject([
      { parts: [bash('a')], refusals: [] },
      { parts: [{ does: 'think', text: 'b' }, close], refusals: [{ chunks: 4, times: 1 }] },
    ])
  })

  test('hangs in a response of its own', () => {
    expect(steps('@bash a', '@hang').map((step) => step.hangs)).toEqual([false, true, false])
  })

  test('ends with the text that is wanted, wherever it is asked for', () => {
    expect(parts('@end All\\ndone.', '@bash a')).toEqual([[bash('a')], [{ does: 'close', text: 'All\ndone.' }]])
  })

  test.each([
    '@say',
    '@bash ',
    '@think',
    '@break',
    '@break 0',
    '@write',
    '@tool',
    '@tool Read {oops}',
    '@tool Read [1]',
    '@text',
    '@text -1',
    '@text 99999999999',
    '@slow soon',
    '@status 200',
    '@status 529 often',
    '@end',
  ])('says what it cannot read in %j', (line) => {
    expect(parseScript(`@bash ok\n${line}`)).toMatchObject({ kind: 'unreadable', line: line.trim() })
  })
})
