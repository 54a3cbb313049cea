import { createHash } from 'node:crypto'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import type { Attachment, AttachmentFiles, FileContent, Unused } from '../ports/attachment.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { Store } from '../ports/store.ts'
import { type GivenAttachment, NOTHING, type PromptLimits, receive, type Received, uploadUnknown } from './received.ts'
import { recognise, tooLarge } from './recognise.ts'

export interface AttachmentLimits extends PromptLimits {
  /** How much of one client may lie here that no prompt has used yet, and for how long. */
  readonly maxUnusedBytes: number
  readonly unusedMs: number
}

export interface AttachmentsDeps {
  readonly store: Store
  readonly files: AttachmentFiles
  readonly clock: Clock
  readonly log: Log
  readonly limits: AttachmentLimits
  readonly newId: () => AttachmentId
}

/** A file on its way in. */
export interface Upload {
  readonly name: string | undefined
  /** Its size, where its sender says so. */
  readonly announced: number | undefined
  readonly parts: AsyncIterable<Uint8Array>
  /** Whose it is, and counts as: one client does not use up what others may upload. */
  readonly by: string
}

/** Of one client. Each has a file open. More have to come again: they would all be slow. */
const MOST_AT_ONCE = 32
/** Of one client, however small they are. */
const MOST_UNUSED = 1000
/** All clients together may have as much as so many of them. */
const SHARES = 4

export type Attachments = ReturnType<typeof createAttachments>

/** What comes with prompts: images, PDFs and texts, uploaded before or inside the request. */
export function createAttachments({ store, files, clock, log, limits, newId }: AttachmentsDeps) {
  /** The uploads under way, each with whose it is and the bytes that it may come to. */
  const underWay = new Map<AttachmentId, { readonly by: string; readonly bytes: number }>()

  return {
    /** Takes a file for a prompt to come. Nothing of it is left when it is refused, or breaks off. */
    async upload({ name, announced, parts, by }: Upload): Promise<Attachment & { expiresAt: number }> {
      if (announced !== undefined && announced > limits.maxBytes) throw tooLarge(TOO_LARGE, limits.maxBytes)
      if (underWay.size >= SHARES * MOST_AT_ONCE || underWayOf(by).length >= MOST_AT_ONCE)
        throw uploadsFull('Too many uploads come at once; try again in a moment.')
      const id = newId()
      underWay.set(id, { by, bytes: announced ?? limits.maxBytes })
      try {
        await expectRoom(by)
        const at = clock.now()
        const attachment = await take(id, name, parts)
        await store.addUpload(attachment, at, by)
        return { ...attachment, expiresAt: at + limits.unusedMs }
      } catch (error) {
        await removeUnstored([id])
        throw error
      } finally {
        underWay.delete(id)
      }
    },

    /** What came with a prompt. Nothing is stored by it. */
    receive: (given: readonly GivenAttachment[] | undefined): Promise<Received> | Received =>
      given === undefined || given.length === 0 ? NOTHING : receive(given, limits, store, newId),

    /** Has what came inside the request on the disk while `begin` stores the prompt. Refused, it leaves nothing. */
    async whileKept<T>({ inline }: Received, begin: () => Promise<T>): Promise<T> {
      if (inline.size === 0) return begin()
      try {
        for (const [id, bytes] of inline) await files.put(id, [bytes], async () => {})
        return await begin()
      } finally {
        await removeUnstored([...inline.keys()])
      }
    },

    /** What was uploaded or came with a prompt, to be read. */
    async open(id: AttachmentId): Promise<{ attachment: Attachment; file: FileContent & AsyncDisposable }> {
      const attachment = await store.attachment(id)
      if (!attachment) throw uploadUnknown(id)
      return { attachment, file: await files.open(id) }
    },

    /** Removes what nobody refers to any more, and uploads that no prompt has used in time. Never rejects. */
    async sweep(): Promise<void> {
      try {
        for (;;) {
          const ids = await store.removeUnusedAttachments(clock.now() - limits.unusedMs)
          if (ids.length === 0) return
          for (const id of ids) await files.remove(id)
        }
      } catch (error) {
        notRemoved('attachments that nobody needs', { error })
      }
    },

    /** Removes files of these names that a crash has left behind: the store knows nothing of them. Never rejects. */
    async removeLeft(names: readonly string[]): Promise<void> {
      const left = names.filter((name) => LEFT.test(name))
      const finished = left.filter((name) => name.length === ID_LENGTH)
      const torn = left.filter((name) => name.length > ID_LENGTH)
      await removeUnstored(finished as AttachmentId[])
      for (const name of torn) await remove(name)
    },
  }

  async function expectRoom(by: string): Promise<void> {
    const { all, own } = await store.unusedUploads(by)
    if (isRoom(own, underWayOf(by), 1) && isRoom(all, [...underWay.values()], SHARES)) return
    throw uploadsFull('Too much was uploaded that no prompt has used yet; use it, or wait until it has expired.')
  }

  function isRoom({ count, bytes }: Unused, coming: readonly { readonly bytes: number }[], shares: number): boolean {
    const total = coming.reduce((sum, each) => sum + each.bytes, bytes)
    return count + coming.length <= shares * MOST_UNUSED && total <= shares * limits.maxUnusedBytes
  }

  function underWayOf(one: string) {
    return [...underWay.values()].filter(({ by }) => by === one)
  }

  async function take(
    id: AttachmentId,
    name: string | undefined,
    parts: AsyncIterable<Uint8Array>,
  ): Promise<Attachment> {
    const hash = createHash('sha256')
    let bytes = 0
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const part of parts) {
        bytes += part.length
        if (bytes > limits.maxBytes) throw tooLarge(TOO_LARGE, limits.maxBytes)
        hash.update(part)
        yield part
      }
    }
    const kind = await files.put(id, counted(), (file) => recognise(file, name ?? 'The upload', limits))
    return { id, name, ...kind, bytes, digest: hash.digest('base64url') }
  }

  /** Of these, removes the files that no transaction has made anything of. */
  async function removeUnstored(ids: readonly AttachmentId[]): Promise<void> {
    for (const id of ids) {
      try {
        if (!(await store.attachment(id))) await files.remove(id)
      } catch (error) {
        notRemoved('a file that nobody needs', { id, error })
      }
    }
  }

  async function remove(name: string): Promise<void> {
    await files.remove(name).catch((error: unknown) => {
      notRemoved('what is left of an upload', { name, error })
    })
  }

  function notRemoved(what: string, details: { readonly error: unknown; readonly [detail: string]: unknown }): void {
    // The service stops, and the next start tries again anyway.
    if (details.error instanceof AppError && details.error.code === 'shutting_down') return
    log.warn(`${what} could not be removed; the next start tries again`, details)
  }
}

const TOO_LARGE = 'An upload may not be'
const ID_LENGTH = 32
/** Names that we give: of what is whole, and of what is not. Nothing else is ours to remove. */
const LEFT = /^[0-9a-f]{32}(\.part)?$/

function uploadsFull(sentence: string): AppError {
  return new AppError('uploads_full', sentence)
}
