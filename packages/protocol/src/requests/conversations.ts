import { z } from 'zod'
import { ConversationId } from '../conversation-id.ts'
import { conversationGroup, cursor, cwd, flag, hexId, limit, optional, searchWords, tag, wellFormed } from './fields.ts'
import { effort, model, permissionMode } from './run-fields.ts'

/** Conversations: listed, begun, changed, with a past; and which of them is its folder's. */

const title = wellFormed
  .trim()
  .min(1, 'must not be blank')
  .max(200)
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters')

const tags = z
  .array(tag)
  .max(20)
  .transform((all) => [...new Set(all)])

/** The number of an event in a body. */
const eventNumber = z.int().min(1).max(999_999_999_999_999)

/** Path of the doors of one conversation. Its own id: no other name leads here. */
export const ConversationPath = z.object({ id: ConversationId })

/** Query of `GET /v1/conversations`. */
export const ConversationsQuery = z.object({
  cwd: optional(cwd),
  archived: flag,
  tag: optional(tag),
  state: optional(z.enum(['idle', 'running', 'waiting'])),
  text: optional(searchWords),
  limit,
  cursor,
})

/** Body of `POST /v1/conversations`. */
export const NewConversation = z.object({
  cwd,
  title: optional(title),
  tags: optional(tags),
  conversation_id: optional(ConversationId),
  adopt: optional(
    z
      .uuid('adopt must be the UUID of an agent session')
      // as its files are named
      .transform((id) => id.toLowerCase()),
  ),
})

/** Body of `PATCH /v1/conversations/{id}`. */
export const ConversationChange = z
  .object({
    title: optional(title),
    archived: optional(z.boolean()),
    tags: optional(tags),
    model: model.nullable().optional().describe('null is the default again, as for the two below.'),
    effort: effort.nullable().optional(),
    permission_mode: permissionMode.nullable().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'needs something to change')
export type ConversationChange = z.infer<typeof ConversationChange>

/** Query of `GET /v1/sessions`. */
export const SessionsQuery = z.object({ cwd, limit, cursor })

/** Body of `POST /v1/conversations/{id}/fork`. */
export const ForkRequest = z.object({ from: optional(eventNumber), title: optional(title) })

/** Body of `POST /v1/conversations/{id}/rewind`. */
export const RewindRequest = z
  .object({ to: optional(eventNumber), run_id: optional(hexId), dry_run: optional(z.boolean()) })
  .refine(({ to, run_id }) => (to === undefined) !== (run_id === undefined), 'needs either to or run_id')

/** Query of `GET /v1/conversations/canonical`. */
export const CanonicalQuery = z.object({ cwd, conversation_group: conversationGroup })

/** Body of `POST /v1/conversations/activate`. */
export const ActivateRequest = z.object({
  conversation_id: ConversationId,
  cwd,
  conversation_group: conversationGroup,
})
