import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import { type FolderRules, findFolder } from './folders.ts'
import type { Entry, Files, OpenFile } from './ports/files.ts'
import type { DiffRequest, Git, GitDiff, GitLog, GitStatus, LogPlace } from './ports/git.ts'

export interface WorkspaceDeps {
  readonly rules: FolderRules
  readonly files: Files
  readonly git: Git
}

export type Workspace = ReturnType<typeof createWorkspace>

/** What a person sees of a folder before they decide: its files, and what has changed. Nothing is changed by looking. */
export function createWorkspace({ rules, files, git }: WorkspaceDeps) {
  return {
    /** Where agents may work, and below. */
    async folders(): Promise<{ roots: string[]; home: Folder | null }> {
      const home = await findFolder('~', rules).catch((error: unknown) => {
        if (error instanceof AppError) return null
        throw error
      })
      return { roots: rules.allowedRoots.length === 0 ? ['/'] : [...rules.allowedRoots], home }
    },

    async list(
      { cwd, path }: Where,
      page: { after: Buffer | undefined; limit: number; withHidden: boolean },
      signal: AbortSignal,
    ): Promise<{ entries: Entry[]; isCut: boolean }> {
      const place = { folder: await findFolder(cwd, rules), path: relative(path) }
      // One more tells whether there is a next page.
      const entries = await files.list(place, { ...page, limit: page.limit + 1 }, signal)
      return { entries: entries.slice(0, page.limit), isCut: entries.length > page.limit }
    },

    async open({ cwd, path }: Where): Promise<OpenFile> {
      return files.open({ folder: await findFolder(cwd, rules), path: relative(path) })
    },

    async status(cwd: string, signal: AbortSignal): Promise<GitStatus> {
      return git.status(await findFolder(cwd, rules), signal)
    },

    async diff(cwd: string, what: DiffRequest, signal: AbortSignal): Promise<GitDiff> {
      return git.diff(await findFolder(cwd, rules), what, signal)
    },

    async log(cwd: string, page: { after: LogPlace | undefined; limit: number }, signal: AbortSignal): Promise<GitLog> {
      return git.log(await findFolder(cwd, rules), page, signal)
    },
  }
}

interface Where {
  readonly cwd: string
  readonly path: Buffer
}

const SLASH = 0x2f

function relative(path: Buffer): Buffer {
  if (path[0] === SLASH) throw new AppError('bad_request', 'path has to be relative to cwd.')
  if (path.includes(0)) throw new AppError('bad_request', 'path must not contain NUL.')
  return path
}
