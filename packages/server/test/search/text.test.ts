import { expect, it } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import { LONGEST_TEXT, searchText, searchTexts } from '../../src/core/search/text.ts'

const timestamp = '2026-11-23T08:15:30.000Z'
const assistant = (...content: unknown[]) => ({ type: 'assistant', message: { role: 'assistant', content }, timestamp })
const user = (...content: unknown[]) => ({ type: 'user', message: { role: 'user', content }, timestamp })
const call = {
  type: 'tool_use',
  id: 'toolu_1',
  name: 'Bash',
  input: { command: 'npm test', timeout: 5, more: [{ a: 'x' }] },
}

it('a prompt is found by its text', () => {
  expect(searchText(promptEvent('Fix it', timestamp))).toEqual({ kind: 'prompt', text: 'Fix it', timestamp })
})

it('an answer is found by its text and by what it calls, a call alone by its name and the values of its input', () => {
  expect(searchText(assistant({ type: 'text', text: 'Done.' }))).toEqual({ kind: 'answer', text: 'Done.', timestamp })
  expect(searchText(assistant(call))).toEqual({ kind: 'tool_call', text: 'Bash\nnpm test\n5\nx', timestamp })
  expect(searchText(assistant({ type: 'text', text: 'Now' }, call))).toMatchObject({
    kind: 'answer',
    text: 'Now\nBash\nnpm test\n5\nx',
  })
})

it.each([
  [
    'what a tool says',
    user({ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'secret' }] }),
  ],
  ['what the agent thinks', assistant({ type: 'thinking', thinking: 'secret', signature: '' })],
  [
    'what the agent says to an agent of its own',
    { ...user({ type: 'text', text: 'secret' }), parent_tool_use_id: 'toolu_1' },
  ],
  ['what is made up for the agent', { ...user({ type: 'text', text: 'secret' }), isSynthetic: true }],
  ['the end of a run', { type: 'result', subtype: 'success', result: 'secret', timestamp }],
  ['a prompt that waits', { type: 'system', subtype: 'prompt_queued', text: 'secret', timestamp }],
  ['an empty answer', assistant({ type: 'text', text: ' \n' })],
  ['what is no message', { type: 'assistant', message: 'secret' }],
  ['a message of no words at all', { type: 'user', message: { content: 7 } }],
  ['what is no event', null],
])('%s is not found', (_, event) => {
  expect(searchText(event)).toBeUndefined()
})

it('a call that is nested as deep as JSON can be, or without end, is found by its beginning', () => {
  const depth = 5000
  const deep = JSON.parse(`${'{"a":['.repeat(depth)}"bottom"${']}'.repeat(depth)}`)
  expect(searchText(assistant({ ...call, input: deep }))?.text).toBe('Bash\nbottom')
  const long = searchText(assistant({ ...call, input: { text: 'word '.repeat(LONGEST_TEXT) } }))
  expect(long?.text).toHaveLength(LONGEST_TEXT)
})

it('a page gives the numbers of its events, whatever lies between them', () => {
  const lines = [
    JSON.stringify(promptEvent('one', timestamp)),
    JSON.stringify({ type: 'system', subtype: 'init' }),
    'no JSON at all',
    '{ "type": "user", "message": {"content": "four, as another program wrote it"} }',
    JSON.stringify(assistant(call)),
  ].map((line) => `${line}\n`)
  const page = { first: 8, count: lines.length, lines: Buffer.from(lines.join('')) }
  expect(Array.from(searchTexts(page), ({ number, kind }) => [number, kind])).toEqual([
    [8, 'prompt'],
    [11, 'prompt'],
    [12, 'tool_call'],
  ])
})
