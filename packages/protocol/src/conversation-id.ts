import { z } from 'zod'
import { CONVERSATION_ID } from './ids.ts'

/** A conversation's id as a client writes it. */
export const ConversationId = z
  .string()
  .trim()
  .regex(
    CONVERSATION_ID,
    'must start with a letter or digit and hold at most 128 letters, digits, dots, dashes or underscores',
  )
  .brand<'ConversationId'>()
export type ConversationId = z.infer<typeof ConversationId>
