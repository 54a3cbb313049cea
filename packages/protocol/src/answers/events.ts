import { z } from 'zod'
import { folder, id, time, wholeNumber } from './fields.ts'

/** Events, and what was found in them. */

/** One event of a conversation, as a line of NDJSON or the data of an SSE message. */
export const Event = z
  .looseObject({ type: z.string(), subtype: z.string().optional(), timestamp: time.optional() })
  .describe('One event of a conversation (PROTOCOL.md section 4). Pass over types you do not know.')

export const FeedHistory = z.object({
  events: z.array(
    z.object({
      cursor: z.string().describe('The place behind the event.'),
      conversation_id: id,
      number: wholeNumber.describe('The number of the event in its conversation.'),
      event: Event,
    }),
  ),
  cursor: z.string().describe('Where to go on, here or at the stream.'),
  has_more: z.boolean(),
  reset: z.boolean().describe('The cursor of the request is not of this store: the page begins with the oldest event.'),
})

/** Where a search has found something. */
export const Hits = z.object({
  hits: z.array(
    z.object({
      conversation_id: id,
      cwd: folder,
      title: z.string().nullable(),
      event_id: wholeNumber.describe('The number of the event.'),
      kind: z.enum(['prompt', 'answer', 'tool_call']),
      timestamp: z.string().nullable().describe('As the event has it.'),
      snippet: z.object({
        text: z.string().describe('Plain text.'),
        ranges: z
          .array(z.array(wholeNumber).length(2))
          .describe('Where in the text the words are: [from, to), counted in UTF-16 code units.'),
      }),
    }),
  ),
  next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
  up_to_date: z.boolean().describe('Whether everything was indexed that was stored when it was asked.'),
})
