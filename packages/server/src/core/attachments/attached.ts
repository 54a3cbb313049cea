import type { Attached } from '../ports/agent.ts'
import type { Attachment, AttachmentFiles } from '../ports/attachment.ts'

/** Attachments as an agent gets them: with their bytes, read when it wants them. */
export function attached(files: AttachmentFiles, attachments: readonly Attachment[] = []): Attached[] {
  return attachments.map(({ id, name, mediaType, bytes }) => ({
    name,
    mediaType,
    bytes,
    read: async () => {
      await using file = await files.open(id)
      return file.read(0, file.size)
    },
  }))
}
