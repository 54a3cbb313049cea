import { readlink, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, normalize, resolve, sep } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'

export interface FolderRules {
  /** Folders that agents may work in and below; empty allows all. Real paths. */
  readonly allowedRoots: readonly string[]
  /** Folders whose own settings, hooks, MCP servers and skills the operator trusts. Real paths. */
  readonly trustedRoots: readonly string[]
}

/** The folder that a client's `cwd` means: it exists, is a directory, and lies below an allowed root. */
export async function findFolder(cwd: string, rules: FolderRules): Promise<Folder> {
  const path = spelledOut(cwd)
  const isAllowed = (at: string) => rules.allowedRoots.length === 0 || isBelow(at, rules.allowedRoots)
  const real = await realpath(path).catch(async (cause: NodeJS.ErrnoException) => {
    // Whether something is there must not be learned by asking for it.
    if (!isAllowed(path) || !isAllowed((await placeOf(Buffer.from(path))).toString())) throw forbidden(path)
    throw new AppError('bad_request', `cwd ${REASONS[String(cause.code)] ?? 'cannot be used'}: ${path}`, {}, { cause })
  })
  if (!isAllowed(real)) throw forbidden(path)
  if (!(await stat(real)).isDirectory()) throw new AppError('bad_request', `cwd is not a directory: ${path}`)
  return real as Folder
}

/**
 * Where a path leads that leads to nothing: its links as far as they are there, and behind them what it spells. Whoever says
 * that something is not there has to know where that is.
 */
export async function placeOf(path: Buffer, links = MOST_LINKS): Promise<Buffer> {
  const real = await realpath(path, { encoding: 'buffer' }).catch(() => undefined)
  const spelled = path.toString('latin1')
  if (real || spelled === '/' || links === 0) return real ?? path
  const above = (await placeOf(Buffer.from(dirname(spelled), 'latin1'), links)).toString('latin1')
  const place = Buffer.from(join(above, basename(spelled)), 'latin1')
  const target = await readlink(place, { encoding: 'buffer' }).catch(() => undefined)
  return target ? placeOf(Buffer.from(resolve(above, target.toString('latin1')), 'latin1'), links - 1) : place
}

/** As many as Linux follows. */
const MOST_LINKS = 40

function forbidden(path: string): AppError {
  return new AppError('forbidden_folder', `cwd is outside the folders that the operator allows: ${path}`)
}

/** The real path of `cwd` if it has one now, else the spelling without `~`, `..` and trailing slashes. */
export async function folderOrSpelling(cwd: string): Promise<Folder> {
  const path = spelledOut(cwd)
  return (await realpath(path).catch(() => path)) as Folder
}

/** Whether `path` is one of `roots` or lies below one. */
export function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep))
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a directory',
  EACCES: 'may not be entered by this service',
  ELOOP: 'has too many links',
  ENAMETOOLONG: 'is too long',
}

function spelledOut(cwd: string): string {
  const path = cwd === '~' || cwd.startsWith('~/') ? homedir() + cwd.slice(1) : cwd
  // A relative path would depend on where the service was started.
  if (!path.startsWith('/')) throw new AppError('bad_request', `cwd must be an absolute path or begin with ~/: ${cwd}`)
  const plain = normalize(path)
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain
}
