import type { Folder } from '@claude-proxy/protocol/ids'

/** Something in a folder: a path as bytes, since names need not be text. Relative to the folder; empty: the folder itself. */
export interface Place {
  readonly folder: Folder
  readonly path: Buffer
}

/** What people look at in a folder. Nothing is changed, and nothing outside of where the service may work is shown. */
export interface Files {
  /** The entries of a directory after the name `after`, in the order of their bytes, at most `limit`. */
  list(
    place: Place,
    page: { readonly after?: Buffer | undefined; readonly limit: number; readonly withHidden: boolean },
    signal: AbortSignal,
  ): Promise<Entry[]>
  /** A file, open for reading. Whoever asked for it disposes of it. */
  open(place: Place): Promise<OpenFile>
}

export interface Entry {
  readonly name: Buffer
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  readonly modifiedAt: number
  readonly isHidden: boolean
  /** Of a link: what is written in it, and what it leads to, if that may be shown. */
  readonly target?: Buffer
  readonly leadsTo?: 'file' | 'directory' | 'other' | undefined
}

export interface OpenFile extends AsyncDisposable {
  readonly size: number
  readonly modifiedAt: number
  /** Changes whenever the file does. */
  readonly version: string
  /** At most `length` bytes from `position` on; fewer only at the end. */
  read(position: number, length: number): Promise<Buffer>
}
