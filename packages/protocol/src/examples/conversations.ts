import type { Examples } from '../examples.ts'
import { approval, at, conversation_id, cwd, prompt, prompt_id, run_id, title, tokens } from './subjects.ts'

const conversation = {
  conversation_id,
  cwd,
  title,
  tags: ['web'],
  archived: false,
  state: 'running',
  run_id,
  head: 42,
  created_at: at,
  active_at: at,
  last_error: null,
}

const session = {
  session_id: '47a51ef9-5558-4f45-9f45-f9eb11eb8bea',
  conversation_id: null,
  title,
  first_prompt: 'Fix the login form.',
  git_branch: 'main',
  created_at: at,
  active_at: at,
  bytes: 150_000,
  in_use: false,
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
  usage: tokens,
  context: { tokens: 24_000, window: 200_000, percent: 12, from: 'last_response' },
  rate_limit: { status: 'allowed_warning', type: 'five_hour', used: 0.9, resets_at: '2026-11-23T15:00:00.000Z' },
  versions: { service: '0.1.0', agent_sdk: '0.3.330', claude_code: '2.1.330' },
}

export const conversations: Examples = {
  conversations: { query: { tag: 'web', limit: '20' }, answer: { conversations: [conversation], next_cursor: null } },
  createConversation: {
    body: { cwd, title, tags: ['web'] },
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
  sessions: { query: { cwd }, answer: { sessions: [session], next_cursor: null } },
  fork: { path: { id: conversation_id }, body: { from: 12 }, answer: { ...conversation, title: 'Login (fork)' } },
  rewind: {
    path: { id: conversation_id },
    body: { to: 7, dry_run: true },
    answer: { conversation_id, to: 7, dry_run: true, files: [`${cwd}/login.html`], insertions: 2, deletions: 1 },
  },
  canonical: { query: { cwd }, answer: { canonical_id: conversation_id, cwd, created: false } },
  activate: {
    body: { conversation_id, cwd },
    answer: { conversation_id, canonical_id: conversation_id, previous_id: null },
  },
}
