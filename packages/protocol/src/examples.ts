import type { EndpointName } from './endpoints.ts'

/** What a request to a door looks like, and what comes back: for the documents. Tests hold them to the schemas. */
export interface Example {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
  readonly answer?: object | string
}

const conversation_id = 'f6a7c1e25d0b4f3e9a8d7c6b5a493827'
const run_id = '0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e'
const prompt_id = '3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f'
const approval_id = '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d'
const rule_id = '5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b'
const upload_id = '7d6c5e4f3a2b1c0d9e8f7a6b5c4d3e2f'
const cwd = '/home/ada/project'
const cursor = 'MjkxNWFhMzZlNiBjIDE'
const at = '2026-11-23T08:15:30.000Z'
const commit = '2f1e0d9c8b7a69584736251403f2e1d0c9b8a796'
const hunk = '@@ -1 +1 @@\n-export const MOST_TRIES = 5\n+export const MOST_TRIES = 3'

const approval = {
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

const allowed = {
  ...approval,
  state: 'allowed',
  settled_at: at,
  settled_by: 'curl/8.14.1',
  decision: { behavior: 'allow', updated_input: null },
}

const prompt = { prompt_id, conversation_id, state: 'queued', text: 'And now the tests.', created_at: at }

const session = {
  session_id: '47a51ef9-5558-4f45-9f45-f9eb11eb8bea',
  conversation_id: null,
  title: 'Fix the login form',
  first_prompt: 'Fix the login form.',
  git_branch: 'main',
  created_at: at,
  active_at: at,
  bytes: 150_000,
  in_use: false,
}

const conversation = {
  conversation_id,
  cwd,
  title: 'Fix the login form',
  tags: ['web'],
  archived: false,
  state: 'running',
  run_id,
  head: 42,
  created_at: at,
  active_at: at,
  last_error: null,
}

const details = {
  ...conversation,
  approvals: [approval],
  queue: [{ prompt_id, text: prompt.text, attachments: [], created_at: at }],
  model: { asked: 'opus', in_use: 'claude-opus-5' },
  effort: { asked: null, in_use: 'high' },
  permission_mode: { asked: null, in_use: 'default' },
  runs: 3,
  cost_usd: 0.42,
  usage: {
    input_tokens: 1200,
    output_tokens: 3400,
    cache_read_input_tokens: 56_000,
    cache_creation_input_tokens: 7800,
  },
  context: { tokens: 24_000, window: 200_000, percent: 12, from: 'last_response' },
  rate_limit: { status: 'allowed_warning', type: 'five_hour', used: 0.9, resets_at: '2026-11-23T15:00:00.000Z' },
  versions: { service: '0.1.0', agent_sdk: '0.3.330', claude_code: '2.1.330' },
}

const used = {
  runs: 3,
  outcomes: { succeeded: 2, interrupted: 1, failed: 0 },
  duration_ms: 61_000,
  cost_usd: 0.42,
  usage: details.usage,
}

const event = {
  type: 'assistant',
  message: { role: 'assistant', model: 'claude-sonnet-5', content: [{ type: 'text', text: 'Done.' }] },
  timestamp: at,
}
const line = JSON.stringify(event)
const messages = `id: 41\ndata: ${line}\n\nid: 42\ndata: {"type":"result","subtype":"success","is_error":false,"result":"Done."}\n\n`

export const EXAMPLES: Readonly<Partial<Record<EndpointName, Example>>> = {
  ready: {
    answer: {
      status: 'ready',
      checks: [
        { name: 'service', status: 'ok', message: 'The service takes new runs.' },
        { name: 'agent', status: 'ok', message: 'The agent can be started.' },
        { name: 'store', status: 'ok', message: 'The event store answers and can be written.' },
        { name: 'disk', status: 'ok', message: '51200 MB are free where events are kept.' },
      ],
    },
  },
  metrics: { answer: 'claude_proxy_runs_total{outcome="success"} 42\n' },
  health: { answer: { status: 'ok', version: '0.1.0', started_at: at } },
  stream: { body: { conversation_id: 'my-chat', cwd, text: 'Fix the login form' }, answer: messages },
  prepare: { body: { cwd }, answer: { canonical_id: conversation_id, preparing: true } },
  permission: {
    body: { conversation_id, permission_id: approval_id, behavior: 'allow' },
    answer: { ok: true },
  },
  approvals: { query: { state: 'pending' }, answer: { approvals: [approval] } },
  approval: { path: { id: approval_id }, answer: approval },
  answer: { path: { id: approval_id }, body: { behavior: 'allow', remember: 'session' }, answer: allowed },
  rules: {
    query: { cwd },
    answer: {
      rules: [
        { rule_id, scope: 'session', rule: 'Bash(npm publish)', conversation_id, cwd, approval_id, created_at: at },
      ],
    },
  },
  removeRule: { path: { id: rule_id }, answer: { removed: rule_id } },
  canonical: { query: { cwd }, answer: { canonical_id: conversation_id, cwd, created: false } },
  activate: {
    body: { conversation_id, cwd },
    answer: { conversation_id, canonical_id: conversation_id, previous_id: null },
  },
  conversations: { query: { tag: 'web', limit: '20' }, answer: { conversations: [conversation], next_cursor: null } },
  search: {
    query: { q: 'login form', tag: 'web' },
    answer: {
      hits: [
        {
          conversation_id,
          cwd,
          title: conversation.title,
          event_id: 1,
          kind: 'prompt',
          timestamp: at,
          snippet: {
            text: 'Fix the login form',
            ranges: [
              [8, 13],
              [14, 18],
            ],
          },
        },
      ],
      next_cursor: null,
      up_to_date: true,
    },
  },
  createConversation: {
    body: { cwd, title: 'Fix the login form', tags: ['web'] },
    answer: { ...conversation, state: 'idle', run_id: null, head: 0 },
  },
  conversation: {
    path: { id: conversation_id },
    answer: details,
  },
  changeConversation: {
    path: { id: conversation_id },
    body: { title: 'Login', model: 'opus' },
    answer: { ...details, title: 'Login', takes_effect: { model: 'now' } },
  },
  deleteConversation: { path: { id: conversation_id }, answer: { deleted: conversation_id } },
  send: {
    path: { id: conversation_id },
    body: { text: 'And now the tests.', client_message_id: 'a1' },
    answer: { conversation_id, run_id, outcome: 'queued', queue_position: 1, watch_since: 42 },
  },
  watch: { path: { id: conversation_id }, query: { since: '40' }, answer: messages },
  history: { path: { id: conversation_id }, query: { since: '41' }, answer: `${line}\n` },
  events: { path: { id: conversation_id }, query: { since: '41' }, answer: `${line}\n` },
  sessions: { query: { cwd }, answer: { sessions: [session], next_cursor: null } },
  fork: { path: { id: conversation_id }, body: { from: 12 }, answer: { ...conversation, title: 'Login (fork)' } },
  rewind: {
    path: { id: conversation_id },
    body: { to: 7, dry_run: true },
    answer: { conversation_id, to: 7, dry_run: true, files: [`${cwd}/login.html`], insertions: 2, deletions: 1 },
  },
  transcript: {
    path: { id: conversation_id },
    query: { format: 'md' },
    answer: '# Fix the login form\n',
  },
  feed: {
    query: { types: 'assistant,result', since: cursor },
    answer: `retry: 1000\n\nid: ${cursor}\ndata: {"conversation_id":"${conversation_id}","number":42,"event":${line}}\n\n`,
  },
  feedHistory: {
    query: { conversations: conversation_id, limit: '50' },
    answer: {
      events: [{ cursor, conversation_id, number: 42, event }],
      cursor,
      has_more: false,
      reset: false,
    },
  },
  interrupt: {
    path: { id: conversation_id },
    body: { scope: 'turn' },
    answer: {
      conversation_id,
      scope: 'turn',
      stopped: { run_id, background: false },
      cancelled_prompt_ids: [],
      still_queued: [prompt],
    },
  },
  queue: { path: { id: conversation_id }, answer: { conversation_id, others_ahead: 0, prompts: [prompt] } },
  editPrompt: { path: { prompt_id }, body: { position: 1 }, answer: prompt },
  cancelPrompt: { path: { prompt_id }, answer: { ...prompt, state: 'cancelled' } },
  upload: {
    query: { name: 'screen.png' },
    answer: {
      upload_id,
      name: 'screen.png',
      media_type: 'image/png',
      bytes: 48_213,
      width: 1280,
      height: 800,
      expires_at: at,
    },
  },
  uploaded: { path: { id: upload_id }, answer: '(the bytes)' },
  steerPrompt: { path: { prompt_id }, answer: { ...prompt, state: 'steering' } },
  folders: { answer: { roots: ['/home/me'], home: '/home/me' } },
  files: {
    query: { cwd, path: 'src' },
    answer: {
      entries: [{ name: 'login.ts', kind: 'file', size: 812, modified_at: at, hidden: false }],
      next_cursor: null,
    },
  },
  file: { query: { cwd, path: 'src/login.ts', lines: '1-1' }, answer: 'export const MOST_TRIES = 3\n' },
  gitStatus: {
    query: { cwd },
    answer: {
      repository: cwd,
      branch: 'main',
      commit,
      files: [{ path: 'src/login.ts', staged: null, unstaged: 'modified' }],
      truncated: false,
    },
  },
  gitDiff: {
    query: { cwd, path: 'src/login.ts' },
    answer: {
      repository: cwd,
      files: [
        {
          path: 'src/login.ts',
          status: 'modified',
          additions: 1,
          deletions: 1,
          binary: false,
          patch: `diff --git …\n${hunk}\n`,
        },
      ],
      truncated: false,
    },
  },
  gitLog: {
    query: { cwd, limit: '1' },
    answer: {
      commits: [
        {
          id: commit,
          parents: [],
          author: { name: 'Ada', email: 'ada@example.org', at: '2026-11-23T09:15:30+01:00' },
          committed_at: '2026-11-23T09:15:30+01:00',
          subject: 'Begin',
          body: '',
        },
      ],
      next_cursor: `${commit}.1`,
    },
  },
  runDiff: {
    path: { id: conversation_id, run_id },
    answer: {
      conversation_id,
      run_id,
      files: [
        {
          path: `${cwd}/src/login.ts`,
          status: 'modified',
          additions: 1,
          deletions: 1,
          edits: [{ seq: 41, tool_name: 'Edit', patch: hunk }],
        },
      ],
      unknown: [{ tool_name: 'Bash', calls: 2 }],
      truncated: false,
    },
  },
  audit: {
    query: { since: at, limit: '50' },
    answer: {
      entries: [
        {
          number: 17,
          at,
          who: 'phone',
          user_agent: 'curl/8.14.1',
          from: '127.0.0.1',
          action: 'answer',
          conversation_id,
          run_id,
          subject: approval_id,
          cwd,
          detail: 'allow Bash',
        },
      ],
      next_after: null,
    },
  },
  usage: {
    query: { by: 'folder', from: '2026-11-01', to: '2026-11-30', tz: 'Europe/Berlin' },
    answer: {
      by: 'folder',
      from: '2026-11-01',
      to: '2026-11-30',
      tz: 'Europe/Berlin',
      entries: [{ cwd, ...used }],
      total: used,
      truncated: false,
    },
  },
}
