import type { Examples } from '../examples.ts'
import { at, conversation_id, cwd, messages, prompt, prompt_id, run_id, title } from './subjects.ts'

const upload_id = '7d6c5e4f3a2b1c0d9e8f7a6b5c4d3e2f'

export const prompts: Examples = {
  send: {
    path: { id: conversation_id },
    body: { text: prompt.text, client_message_id: 'a1' },
    answer: { conversation_id, run_id, outcome: 'queued', queue_position: 1, watch_since: 42 },
  },
  stream: { body: { conversation_id: 'my-chat', cwd, text: title }, answer: messages },
  prepare: { body: { cwd }, answer: { canonical_id: conversation_id, preparing: true } },
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
  queue: { path: { id: conversation_id }, answer: { conversation_id, others_ahead: 0, prompts: [prompt] } },
  editPrompt: { path: { prompt_id }, body: { position: 1 }, answer: prompt },
  cancelPrompt: { path: { prompt_id }, answer: { ...prompt, state: 'cancelled' } },
  steerPrompt: { path: { prompt_id }, answer: { ...prompt, state: 'steering' } },
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
}
