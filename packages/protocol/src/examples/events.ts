import type { Examples } from '../examples.ts'
import { at, conversation_id, cwd, event, line, messages, title } from './subjects.ts'

const cursor = 'MjkxNWFhMzZlNiBjIDE'

export const events: Examples = {
  watch: { path: { id: conversation_id }, query: { since: '40' }, answer: messages },
  history: { path: { id: conversation_id }, query: { since: '41' }, answer: `${line}\n` },
  events: { path: { id: conversation_id }, query: { since: '41' }, answer: `${line}\n` },
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
  search: {
    query: { q: 'login form', tag: 'web' },
    answer: {
      hits: [
        {
          conversation_id,
          cwd,
          title,
          event_id: 1,
          kind: 'prompt',
          timestamp: at,
          snippet: {
            text: title,
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
  transcript: {
    path: { id: conversation_id },
    query: { format: 'md' },
    answer: `# ${title}\n`,
  },
}
