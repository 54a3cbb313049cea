import { expect, it } from 'vitest'
import { type AgentMessage, normalise, normaliseResult, turnResult } from '../../src/agents/claude/normalise.ts'

const AT = '2026-01-01T00:00:00.000Z'

/** Compared as text: the order of the keys is part of what clients were promised. */
function text(message: AgentMessage): string {
  return JSON.stringify(normalise(message, AT))
}

it('a message of the assistant: the keys that clients know come first, in their order', () => {
  const content = [
    { text: 'Hi.', type: 'text', citations: null },
    { signature: 'sig', thinking: 'Hm.', type: 'thinking' },
    { name: 'Bash', input: { command: 'ls' }, id: 'toolu_1', type: 'tool_use', caller: {} },
  ]
  const message = { id: 'msg_1', type: 'message', role: 'assistant', content, model: 'm', usage: {} }
  expect(text({ session_id: 's', message, type: 'assistant', uuid: 'u', parent_tool_use_id: null })).toBe(
    JSON.stringify({
      type: 'assistant',
      message: {
        role: 'assistant',
        model: 'm',
        content: [
          { type: 'text', text: 'Hi.', citations: null },
          { type: 'thinking', thinking: 'Hm.', signature: 'sig' },
          { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' }, caller: {} },
        ],
        id: 'msg_1',
        type: 'message',
        usage: {},
      },
      session_id: 's',
      uuid: 'u',
      parent_tool_use_id: null,
      timestamp: AT,
    }),
  )
})

it('the result of a tool', () => {
  const block = { tool_use_id: 'toolu_1', is_error: false, type: 'tool_result', content: 'out' }
  expect(text({ type: 'user', message: { content: [block], role: 'user' } })).toBe(
    JSON.stringify({
      type: 'user',
      message: {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'out', is_error: false }],
      },
      timestamp: AT,
    }),
  )
})

it('a text as content becomes a block', () => {
  expect(text({ type: 'user', message: { role: 'user', content: 'This session is being continued' } })).toBe(
    JSON.stringify({
      type: 'user',
      message: { role: 'user', content: [{ type: 'text', text: 'This session is being continued' }] },
      timestamp: AT,
    }),
  )
})

it('a system message stays as it is, with a time', () => {
  const message = { type: 'system', subtype: 'init', cwd: '/w', tools: ['Bash'], session_id: 's' }
  expect(text(message)).toBe(JSON.stringify({ ...message, timestamp: AT }))
})

it('a message of a kind nobody knows yet is kept, with its own time', () => {
  const message = { type: 'hologram', data: [1], timestamp: '2025-12-31T00:00:00.000Z' }
  expect(normalise(message, AT)).toEqual(message)
})

it('blocks of a kind nobody knows yet, and content that is none, are kept', () => {
  const content = [{ data: 'x', type: 'redacted_thinking' }, 'odd']
  expect(normalise({ type: 'assistant', message: { content } }, AT)).toMatchObject({
    message: { role: 'assistant', content },
  })
  expect(normalise({ type: 'user', message: { role: 'user' } }, AT)).toMatchObject({ message: { role: 'user' } })
})

it.each([
  'stream_event',
  'tool_progress',
  'command_lifecycle',
  'attachment',
  'prompt_suggestion',
  'system/session_state_changed',
  'system/background_tasks_changed',
  'system/status',
  'system/thinking_tokens',
  'system/task_progress',
  'system/api_retry',
  'system/hook_started',
  'system/hook_response',
  'system/session_title_changed',
])('%s is no part of the transcript', (name) => {
  const [type = '', subtype] = name.split('/')
  expect(normalise({ type, ...(subtype !== undefined && { subtype }) }, AT)).toBeUndefined()
})

it('what the agent itself leaves out of its transcript is left out', () => {
  expect(normalise({ type: 'system', subtype: 'task_started', skip_transcript: true }, AT)).toBeUndefined()
  expect(normalise({ type: 'system', subtype: 'task_started' }, AT)).toBeDefined()
})

const counts = { duration_ms: 5, duration_api_ms: 4, num_turns: 1 }

it('a result: the keys that clients know come first, in their order', () => {
  const known = { ...counts, session_id: 's', total_cost_usd: 0.1, usage: { input_tokens: 1 }, result: 'Hi.' }
  const message = { uuid: 'u', ...known, structured_output: { a: 1 }, subtype: 'success', is_error: false }
  expect(JSON.stringify(normaliseResult({ modelUsage: {}, ...message, type: 'result' }, AT))).toBe(
    JSON.stringify({
      type: 'result',
      subtype: 'success',
      duration_ms: 5,
      duration_api_ms: 4,
      is_error: false,
      num_turns: 1,
      session_id: 's',
      total_cost_usd: 0.1,
      usage: { input_tokens: 1 },
      result: 'Hi.',
      structured_output: { a: 1 },
      modelUsage: {},
      uuid: 'u',
      timestamp: AT,
    }),
  )
})

const failed = { type: 'result', subtype: 'error_during_execution', is_error: true, ...counts, session_id: 's' }

it.each([
  ['its errors are its words', { ...failed, errors: ['One.', 'Two.'] }, 'One.\nTwo.'],
  [
    'an interrupt has words for a person',
    { ...failed, errors: ['[ede_diagnostic] x'], terminal_reason: 'aborted_tools' },
    'Interrupted by user',
  ],
  [
    'an interrupt while it speaks, too',
    { ...failed, errors: [], terminal_reason: 'aborted_streaming' },
    'Interrupted by user',
  ],
  [
    'without errors its kind is named',
    { ...failed, subtype: 'error_max_turns' },
    'The agent ended with error_max_turns.',
  ],
  ['an answer without words is empty', { ...failed, is_error: false, subtype: 'success' }, ''],
])('a result without `result`: %s', (_, message, sentence) => {
  expect(normaliseResult(message, AT).result).toBe(sentence)
})

it('a result that ends only a turn does not look like the end, and loses nothing', () => {
  const result = normaliseResult({ ...failed, errors: ['One.'] }, AT)
  const { type: _, subtype, ...rest } = result
  expect(turnResult(result)).toEqual({ ...rest, type: 'system', subtype: 'turn_result', turn_subtype: subtype })
})
