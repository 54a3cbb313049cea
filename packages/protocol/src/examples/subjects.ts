/** What the examples of several nouns are about: Ada's project, and a conversation in it about the form of a login. */

export const conversation_id = 'f6a7c1e25d0b4f3e9a8d7c6b5a493827'
export const run_id = '0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e'
export const prompt_id = '3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f'
export const approval_id = '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d'
export const cwd = '/home/ada/project'
export const title = 'Fix the login form'
export const at = '2026-11-23T08:15:30.000Z'

export const approval = {
  approval_id,
  conversation_id,
  run_id,
  state: 'pending',
  kind: 'tool',
  tool_name: 'Bash',
  input: { command: 'npm publish' },
  permission_suggestions: [],
  blocked_path: null,
  tool_use_id: 'toolu_01A09q90qw90lq917835lq9',
  rules: ['Bash(npm publish)'],
  asked_at: at,
  deadline: null,
  settled_at: null,
  settled_by: null,
  decision: null,
}

export const prompt = { prompt_id, conversation_id, state: 'queued', text: 'And now the tests.', created_at: at }

export const event = {
  type: 'assistant',
  message: { role: 'assistant', model: 'claude-sonnet-5', content: [{ type: 'text', text: 'Done.' }] },
  timestamp: at,
}

/** The event as it is stored and replayed. */
export const line = JSON.stringify(event)

/** The event and the one after it, as a stream shows them. */
export const messages = `id: 41\ndata: ${line}\n\nid: 42\ndata: {"type":"result","subtype":"success","is_error":false,"result":"Done."}\n\n`

export const tokens = {
  input_tokens: 1200,
  output_tokens: 3400,
  cache_read_input_tokens: 56_000,
  cache_creation_input_tokens: 7800,
}
