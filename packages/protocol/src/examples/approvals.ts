import type { Examples } from '../examples.ts'
import { approval, approval_id, at, conversation_id, cwd } from './subjects.ts'

const rule_id = '5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b'

const allowed = {
  ...approval,
  state: 'allowed',
  settled_at: at,
  settled_by: 'curl/8.14.1',
  decision: { behavior: 'allow', updated_input: null },
}

export const approvals: Examples = {
  approvals: { query: { state: 'pending' }, answer: { approvals: [approval] } },
  approval: { path: { id: approval_id }, answer: approval },
  answer: { path: { id: approval_id }, body: { behavior: 'allow', remember: 'session' }, answer: allowed },
  permission: {
    body: { conversation_id, permission_id: approval_id, behavior: 'allow' },
    answer: { ok: true },
  },
  rules: {
    query: { cwd },
    answer: {
      rules: [
        { rule_id, scope: 'session', rule: 'Bash(npm publish)', conversation_id, cwd, approval_id, created_at: at },
      ],
    },
  },
  removeRule: { path: { id: rule_id }, answer: { removed: rule_id } },
}
