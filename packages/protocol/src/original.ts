import { z } from 'zod'
import { ConversationId } from './conversation-id.ts'

/** `meta.json` of a conversation in the Python original's data directory. */
export const OriginalMeta = z.object({
  conversation_id: ConversationId,
  cwd: z.string().min(1),
  conversation_group: z.string().nullish(),
  // Anything but a UUID would be looked up among the titles of sessions.
  claude_session_id: z.uuid().nullish().catch(undefined),
  created_at: z.string().nullish(),
  updated_at: z.string().nullish(),
})
export type OriginalMeta = z.infer<typeof OriginalMeta>
