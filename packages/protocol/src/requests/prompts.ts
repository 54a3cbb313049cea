import { z } from 'zod'
import { ConversationId } from '../conversation-id.ts'
import type { AttachmentId as AttachmentIdType } from '../ids.ts'
import { conversationGroup, cwd, hexId, optional, wellFormed } from './fields.ts'
import { runFields } from './run-fields.ts'

/** Prompts: sent, with what comes with them; waiting; stopped. */

const AttachmentId = hexId.transform((id) => id as AttachmentIdType)

/** What a person calls a file. Only ever shown: it could lead nowhere, and looks like what it is. */
const fileName = wellFormed
  .trim()
  .min(1, 'must not be blank')
  .max(255)
  .refine((name) => !/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(name), 'must not hold control characters')
  .refine((name) => !/[/\\]/.test(name) && name !== '.' && name !== '..', 'must be the name of a file, without a path')

/** Something that comes with a prompt: inside the request, or uploaded before. */
const Attachment = z.union(
  [
    z.object({ upload_id: AttachmentId }),
    z.object({ name: optional(fileName), data: z.string().min(1, 'must not be empty') }),
  ],
  'has to be {"upload_id"} or {"name"?, "data"} with the bytes in base64',
)

/** How a prompt is sent. */
const sendFields = {
  when_busy: optional(z.enum(['reject', 'queue', 'steer', 'interrupt'])).describe(
    'What becomes of the prompt while the folder is busy.',
  ),
  client_message_id: optional(idempotencyKey('client_message_id')).describe(
    'The same as the header `Idempotency-Key`.',
  ),
  attachments: optional(z.array(Attachment).max(1000)).describe('Images, PDFs and texts that come with the prompt.'),
}

/** Body of `POST /v1/conversations/{id}/messages`. */
export const Message = z
  .object({ text: optional(wellFormed), ...sendFields, ...runFields })
  .refine(({ text, attachments }) => text?.trim() || attachments?.length, {
    path: ['text'],
    error: 'must not be blank where nothing is attached',
  })

/** Body of `POST /v1/agent/stream`. `prompt` and `session_id` are other names of `text` and `conversation_id`. */
export const StreamRequest = z.preprocess(
  synonyms({ prompt: 'text', session_id: 'conversation_id' }),
  z.object({
    conversation_id: ConversationId,
    cwd,
    text: optional(wellFormed),
    conversation_group: conversationGroup,
    ...sendFields,
    ...runFields,
  }),
)

/** Body of `POST /v1/agent/prepare`: what the prompt to come will ask for. */
export const PrepareRequest = z.object({ cwd, ...runFields })

/** The `Idempotency-Key` header. */
export const IdempotencyKey = idempotencyKey('Idempotency-Key')

/** Query of `POST /v1/uploads`. */
export const UploadQuery = z.object({ name: optional(fileName) })

/** Path of `/v1/uploads/{id}`. */
export const UploadPath = z.object({ id: AttachmentId })

/** Path of the doors of one prompt. What is no id of a prompt is unknown, not malformed. */
export const PromptPath = z.object({ prompt_id: z.string().max(1024) })

/** Body of `PATCH /v1/queue/{prompt_id}`. */
export const PromptEdit = z
  .object({
    text: optional(wellFormed.refine((text) => text.trim() !== '', 'must not be blank')),
    position: optional(z.int().min(1).max(1_000_000)),
  })
  .refine((edit) => edit.text !== undefined || edit.position !== undefined, 'needs a text or a position')

/** Body of `POST /v1/conversations/{id}/interrupt`. */
export const InterruptRequest = z.object({ scope: optional(z.enum(['turn', 'all'])) })

function idempotencyKey(name: string) {
  return z.string().regex(/^[\x21-\x7e]{1,255}$/, `${name} must be 1 to 255 visible ASCII characters`)
}

/** Lets a body use another name for a field; the field's own name wins. */
function synonyms(names: Record<string, string>) {
  return (body: unknown) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
    const copy: Record<string, unknown> = { ...body }
    for (const [synonym, name] of Object.entries(names)) copy[name] ??= copy[synonym]
    return copy
  }
}
