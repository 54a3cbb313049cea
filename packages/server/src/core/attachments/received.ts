import { createHash } from 'node:crypto'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import type { Attachment, FileContent, NewAttachment } from '../ports/attachment.ts'
import type { Store } from '../ports/store.ts'
import { type KindLimits, recognise, tooLarge } from './recognise.ts'

/** What a request attaches to its prompt: what was uploaded before, or the bytes themselves in base64. */
export type GivenAttachment =
  | { readonly upload_id: AttachmentId }
  | { readonly name?: string | undefined; readonly data: string }

/** What came with a prompt, recognised and counted, and as yet nowhere but in memory. */
export interface Received {
  readonly attachments: readonly NewAttachment[]
  /** The bytes of those that came inside the request. */
  readonly inline: ReadonlyMap<AttachmentId, Uint8Array>
}

export interface PromptLimits extends KindLimits {
  /** How many may come with one prompt. */
  readonly maxCount: number
}

export const NOTHING: Received = { attachments: [], inline: new Map() }

/** Looks at what came with a prompt; throws a sentence that names what cannot be taken. Changes nothing. */
export async function receive(
  given: readonly GivenAttachment[],
  limits: PromptLimits,
  store: Pick<Store, 'attachment'>,
  newId: () => AttachmentId,
): Promise<Received> {
  if (given.length > limits.maxCount)
    throw new AppError('bad_request', `At most ${limits.maxCount} attachments can come with a prompt.`)
  const inline = new Map<AttachmentId, Uint8Array>()
  const attachments: NewAttachment[] = []
  for (const [n, each] of given.entries()) {
    if ('upload_id' in each) attachments.push(await uploaded(each.upload_id, store))
    else {
      const bytes = decode(each.data, `attachments.${n}.data`)
      const kind = await recognise(inMemory(bytes), each.name ?? `attachments.${n}`, limits)
      const digest = createHash('sha256').update(bytes).digest('base64url')
      const id = newId()
      inline.set(id, bytes)
      attachments.push({ id, name: each.name, ...kind, bytes: bytes.length, digest, isNew: true })
    }
  }
  const total = attachments.reduce((sum, { bytes }) => sum + bytes, 0)
  if (total > limits.maxBytes) throw tooLarge('The attachments of a prompt may not be together', limits.maxBytes)
  return { attachments, inline }
}

/** Whether two prompts have brought the same. */
export function isSame(some: readonly Attachment[] = [], others: readonly Attachment[] = []): boolean {
  return some.length === others.length && some.every(({ digest }, n) => digest === others[n]?.digest)
}

async function uploaded(id: AttachmentId, store: Pick<Store, 'attachment'>): Promise<Attachment> {
  const known = await store.attachment(id)
  if (known) return known
  throw uploadUnknown(id)
}

export function uploadUnknown(id: AttachmentId): AppError {
  return new AppError('upload_unknown', `There is no upload ${id}, or not any more.`, { upload_id: id })
}

/** Strictly: what a lenient decoder passes over, somebody meant. */
function decode(data: string, name: string): Uint8Array {
  const isBase64 = data.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(data)
  if (isBase64) return Buffer.from(data, 'base64')
  throw new AppError('bad_request', `${name} is not base64.`)
}

/** Bytes that are at hand. */
export function inMemory(bytes: Uint8Array): FileContent {
  return { size: bytes.length, read: (at, length) => Promise.resolve(bytes.subarray(at, at + length)) }
}
