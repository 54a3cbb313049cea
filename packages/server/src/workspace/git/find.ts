import { constants } from 'node:fs'
import { open, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import { isBelow } from '../../core/folders.ts'

/** Where a repository has its parts. Real paths. */
export interface Repository {
  /** The top of the work tree. */
  readonly top: string
  /** What belongs to this work tree: HEAD and the index. */
  readonly own: string
  /** What it shares with other work trees: objects, references, settings. */
  readonly shared: string
}

/** The repository that a folder lies in; none of its parts may lie outside of `roots`, where there are any. */
export async function findRepository(folder: Folder, roots: readonly string[]): Promise<Repository> {
  const isAllowed = (path: string) => roots.length === 0 || isBelow(path, roots)
  for (let top: string = folder; isAllowed(top); top = dirname(top)) {
    const own = await gitDirectoryAt(top)
    const shared = own && (await sharedBy(own))
    if (own && shared) {
      for (const part of [own, shared, ...(await alternatesOf(shared))]) if (!isAllowed(part)) throw outside(part)
      return { top, own, shared }
    }
    if (top === '/') break
  }
  throw new AppError('not_a_repository', `${folder} is not in a Git repository.`)
}

/** `.git` is a directory, or a file that says where it is (gitrepository-layout(5)). */
async function gitDirectoryAt(top: string): Promise<string | undefined> {
  const path = await realpath(join(top, '.git')).catch(() => undefined)
  const found = path === undefined ? undefined : await stat(path).catch(() => undefined)
  if (path === undefined || !found) return undefined
  if (found.isDirectory()) return path
  const [, target] = /^gitdir: ([^\n\0]+)\n*$/.exec((await readPlain(path, MOST_POINTER))?.toString() ?? '') ?? []
  return target === undefined ? undefined : realpath(resolve(top, target)).catch(() => undefined)
}

/** Undefined when this is no repository after all. */
async function sharedBy(own: string): Promise<string | undefined> {
  const pointer = (await readPlain(join(own, 'commondir'), MOST_POINTER))?.toString().trim()
  const shared = pointer === undefined ? own : await realpath(resolve(own, pointer)).catch(() => undefined)
  if (shared === undefined || !(await readPlain(join(own, 'HEAD'), MOST_POINTER))) return undefined
  const objects = await stat(join(shared, 'objects')).catch(() => undefined)
  return objects?.isDirectory() ? shared : undefined
}

/** Directories of objects elsewhere that this one leads to, by links or by name. */
async function alternatesOf(shared: string): Promise<string[]> {
  const found: string[] = []
  const queue = [join(shared, 'objects')]
  for (const objects of queue) {
    const real = await realpath(objects).catch(() => undefined)
    if (real === undefined || found.includes(real)) continue
    found.push(real)
    // Git itself follows five.
    if (found.length > 20) throw outside(real)
    const list = (await readPlain(join(real, 'info/alternates'), MOST_POINTER))?.toString() ?? ''
    for (const line of list.split('\n')) if (line !== '' && !line.startsWith('#')) queue.push(resolve(real, line))
  }
  for (const part of ['refs', 'packed-refs', 'info']) {
    const real = await realpath(join(shared, part)).catch(() => undefined)
    if (real !== undefined) found.push(real)
  }
  return found
}

const MOST_POINTER = 64 * 1024

/** The bytes of a plain file of at most `most` bytes; undefined when there is none. Neither a link nor a pipe is followed. */
export async function readPlain(path: string, most: number): Promise<Buffer | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => undefined)
  if (!file) return undefined
  try {
    const found = await file.stat()
    return found.isFile() && found.size <= most ? await file.readFile() : undefined
  } finally {
    await file.close()
  }
}

function outside(part: string): AppError {
  return new AppError(
    'forbidden_path',
    `The repository has parts outside of the folders that the operator allows: ${part}`,
  )
}
