import { z } from 'zod'
import { id, time, wholeNumber } from './fields.ts'

/** Prompts: what became of them, what comes with them, those that wait. */

export const Sent = z.object({
  conversation_id: id,
  run_id: id.nullable(),
  outcome: z
    .enum(['begun', 'attached', 'queued', 'steering', 'repeated'])
    .describe('What became of the prompt; see `X-Proxy-Outcome` in PROTOCOL.md 3.2.'),
  queue_position: z.int().min(1).nullable(),
  watch_since: wholeNumber.describe('The events after this number tell what happens to the prompt.'),
})

export const Prepared = z.object({
  canonical_id: id,
  preparing: z.boolean().describe('Whether the operator has chosen that processes are made ready.'),
})

/** What is known of an image, a PDF or a text, before a prompt has it and then. */
const attachmentFields = {
  name: z.string().nullable(),
  media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'application/pdf', 'text/plain']),
  bytes: wholeNumber,
  width: z.int().min(1).optional().describe('Of an image, in pixels.'),
  height: z.int().min(1).optional(),
}

export const Attachment = z
  .object({ attachment_id: id, ...attachmentFields })
  .describe('Something that came with a prompt.')

export const Upload = z.object({
  upload_id: id.describe('For the prompt to come; its id as an attachment, too.'),
  ...attachmentFields,
  expires_at: time.describe('When it is removed, unless a prompt has used it.'),
})

export const Prompt = z
  .object({
    prompt_id: id.describe('Also the id of the run that it becomes.'),
    conversation_id: id,
    state: z.enum(['queued', 'steering', 'steered', 'begun', 'cancelled']),
    text: z.string(),
    attachments: z.array(Attachment).optional(),
    created_at: time,
  })
  .describe('A prompt that came while its folder was busy.')

export const Queue = z.object({
  conversation_id: id,
  others_ahead: wholeNumber.describe(
    'Prompts of other conversations in the folder that come before the first of these.',
  ),
  prompts: z.array(Prompt),
})

export const Interrupted = z.object({
  conversation_id: id,
  scope: z.enum(['turn', 'all']),
  stopped: z.object({ run_id: id.nullable(), background: z.boolean() }),
  cancelled_prompt_ids: z.array(id),
  still_queued: z.array(Prompt),
})
