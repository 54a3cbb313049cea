import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentId, ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { Attachment, NewAttachment, Unused } from '../../core/ports/attachment.ts'
import { certain } from '../../core/certain.ts'
import type { State } from './state.ts'

export function addUpload(state: State, attachment: Attachment, at: number, by: string | undefined): void {
  state.attachments.set(attachment.id, { attachment, uploadedAt: at, by, conversations: new Set() })
}

export function unusedUploads(state: State, who: string): { all: Unused; own: Unused } {
  const unused = [...state.attachments.values()].filter(({ conversations }) => conversations.size === 0)
  return { all: sumOf(unused), own: sumOf(unused.filter(({ by }) => by === who)) }
}

function sumOf(some: readonly { readonly attachment: Attachment }[]): Unused {
  return { count: some.length, bytes: some.reduce((sum, { attachment: { bytes } }) => sum + bytes, 0) }
}

/** Throws before anything is changed: what was uploaded may have expired since it was looked at. */
export function expectThere(state: State, attachments: readonly NewAttachment[] = []): void {
  const missing = attachments.find(({ id, isNew }) => !isNew && !state.attachments.has(id))
  if (missing)
    throw new AppError('upload_unknown', `There is no upload ${missing.id}, or not any more.`, {
      upload_id: missing.id,
    })
}

/** Has the conversation refer to them; they are as they were looked for by `expectThere`. */
export function refer(
  state: State,
  conversation: ConversationId,
  at: number,
  given: readonly NewAttachment[] = [],
): { attachments?: Attachment[] } {
  const attachments = given.map(({ isNew, ...attachment }) => {
    if (isNew) addUpload(state, attachment, at, undefined)
    state.attachments.get(attachment.id)?.conversations.add(conversation)
    return attachment
  })
  return attachments.length === 0 ? {} : { attachments }
}

/** The conversation is gone: what nothing else refers to is gone with it, once its file is asked for. */
export function unrefer(state: State, conversation: ConversationId): void {
  for (const [id, { conversations }] of state.attachments) {
    if (!conversations.delete(conversation) || conversations.size > 0) continue
    state.attachments.delete(id)
    state.unreferred.push(id)
  }
}

export function removeUnusedAttachments(state: State, before: number): AttachmentId[] {
  const expired = [...state.attachments].flatMap(([id, { conversations, uploadedAt }]) =>
    conversations.size === 0 && uploadedAt < before ? id : [],
  )
  for (const id of expired) state.attachments.delete(id)
  return [...state.unreferred.splice(0), ...expired]
}

/** The folders of the conversations that refer to it. */
export function foldersOf(state: State, id: AttachmentId): Folder[] {
  const conversations = [...(state.attachments.get(id)?.conversations ?? [])]
  return [...new Set(conversations.map((each) => certain(state.conversations.get(each), 'who refers to it').folder))]
}
