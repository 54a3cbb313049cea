import type { Folder } from '@claude-proxy/protocol/ids'

/** What version control says of a folder. Nothing that the folder holds is run, and nothing is written into it. */
export interface Git {
  status(folder: Folder, signal: AbortSignal): Promise<GitStatus>
  diff(folder: Folder, what: DiffRequest, signal: AbortSignal): Promise<GitDiff>
  log(
    folder: Folder,
    page: { readonly after?: LogPlace | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<GitLog>
}

/** How a file differs. */
export type ChangeKind = 'added' | 'deleted' | 'modified' | 'renamed' | 'copied' | 'type_changed' | 'unmerged'

export interface GitStatus {
  /** The top of the work tree. */
  readonly top: string
  /** Undefined when no branch is checked out. */
  readonly branch: string | undefined
  /** Undefined before the first commit. */
  readonly commit: string | undefined
  readonly files: readonly GitFile[]
  /** There are more. */
  readonly isCut: boolean
}

export interface GitFile {
  readonly path: Buffer
  readonly oldPath?: Buffer
  /** What the index has that the commit has not, and the folder that the index has not. */
  readonly staged: ChangeKind | undefined
  readonly unstaged: ChangeKind | 'untracked' | undefined
}

/** Between two commits, between one and the folder, or, with neither, between the index and the folder or the commit. */
export interface DiffRequest {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly isStaged: boolean
  /** As in what was shown: relative to the top. */
  readonly path?: string | undefined
}

export interface GitDiff {
  readonly top: string
  readonly files: readonly FileDiff[]
  readonly isCut: boolean
}

export interface FileDiff {
  readonly path: Buffer
  /** Of what was renamed or copied. */
  readonly oldPath: Buffer | undefined
  readonly status: ChangeKind
  /** Undefined for what is no text. */
  readonly additions: number | undefined
  readonly deletions: number | undefined
  /** Unified, with its headers. Undefined when it was cut off. */
  readonly patch: Buffer | undefined
}

/** Where a page of the log begins: so many commits before this one. */
export interface LogPlace {
  readonly commit: string
  readonly skip: number
}

export interface GitLog {
  readonly commits: readonly Commit[]
  /** Where it goes on; undefined at the end. */
  readonly next: LogPlace | undefined
}

export interface Commit {
  readonly id: string
  readonly parents: readonly string[]
  readonly author: { readonly name: string; readonly email: string; readonly at: string }
  readonly committedAt: string
  readonly subject: string
  readonly body: string
}
