import type { AttachmentMark } from '@claude-proxy/protocol/events'
import type { Attachment } from '../ports/attachment.ts'

/** How clients see an attachment, in events and elsewhere. */
export function attachmentMark({ id, name, mediaType, bytes, width, height }: Attachment): AttachmentMark {
  const size = width !== undefined && height !== undefined && { width, height }
  return { attachment_id: id, name: name ?? null, media_type: mediaType, bytes, ...size }
}

/** What an event carries besides, when something came with its prompt. */
export function attachmentMarks(attachments: readonly Attachment[] = []): { attachments?: AttachmentMark[] } {
  return attachments.length === 0 ? {} : { attachments: attachments.map(attachmentMark) }
}
