import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentFiles, FileContent } from '../../core/ports/attachment.ts'

/** Keeps attachments as long as the process lives. */
export function createMemoryFiles(): AttachmentFiles {
  const files = new Map<string, Buffer>()

  return {
    async put(id, parts, check) {
      const taken: Uint8Array[] = []
      for await (const part of parts) taken.push(part)
      const bytes = Buffer.concat(taken)
      const checked = await check(contentOf(bytes))
      files.set(id, bytes)
      return checked
    },

    async open(id) {
      const bytes = files.get(id)
      if (!bytes) throw new AppError('storage_unavailable', 'An attachment cannot be read: it is not there.')
      return { ...contentOf(bytes), async [Symbol.asyncDispose]() {} }
    },

    async remove(name) {
      files.delete(name)
    },

    names: () => Promise.resolve([...files.keys()]),
  }
}

function contentOf(bytes: Buffer): FileContent {
  return { size: bytes.length, read: (at, length) => Promise.resolve(bytes.subarray(at, at + length)) }
}
