import type { MediaType } from '@claude-proxy/protocol/events'
import type { AttachmentId } from '@claude-proxy/protocol/ids'

/** Something that comes with a prompt. Its bytes lie in `AttachmentFiles` under its id, and never change. */
export interface Attachment {
  readonly id: AttachmentId
  /** What its client calls it. */
  readonly name: string | undefined
  /** Recognised by content. */
  readonly mediaType: MediaType
  readonly bytes: number
  /** Of an image, in pixels. */
  readonly width?: number | undefined
  readonly height?: number | undefined
  /** SHA-256 of the bytes. */
  readonly digest: string
}

/** As a prompt brings it. `isNew`: it came inside the request, so that nothing but its file is there yet. */
export interface NewAttachment extends Attachment {
  readonly isNew?: true
}

/** What was uploaded and no prompt has used. */
export interface Unused {
  readonly count: number
  readonly bytes: number
}

/** The bytes of a file, wherever they lie. */
export interface FileContent {
  readonly size: number
  /** `length` bytes from `at` on; fewer only at the end. */
  read(at: number, length: number): Promise<Uint8Array>
}

/** Keeps the bytes of attachments. Which of them are wanted is in the store. */
export interface AttachmentFiles {
  /**
   * Keeps what `parts` bring, under a name that nothing has. When it resolves, they survive `kill -9` and power loss.
   * `check` looks at them first. When it throws, or `parts` do, nothing of them is left.
   */
  put<T>(
    id: AttachmentId,
    parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    check: (file: FileContent) => Promise<T>,
  ): Promise<T>
  open(id: AttachmentId): Promise<FileContent & AsyncDisposable>
  /** Removes what has this name, if anything has. */
  remove(name: string): Promise<void>
  /** The names of all there is: an id, or what begins with the id of something that was never whole. */
  names(): Promise<string[]>
}
