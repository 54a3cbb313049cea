import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import { isBelow } from '../../core/folders.ts'
import { readPlain } from './plain.ts'
import { type ExpectInside, goAllWays, realPlaceOf } from './ways.ts'

/** Where a repository has its parts. Real paths. */
export interface Repository {
  /** The top of the work tree. */
  readonly top: string
  /** What belongs to this work tree: HEAD and the index. */
  readonly own: string
  /** What it shares with other work trees: objects, references, settings. */
  readonly shared: string
}

/** The repository that a folder lies in; nothing that Git reads of it may lie outside of `roots`, where there are any. */
export async function findRepository(
  folder: Folder,
  roots: readonly string[],
  signal: AbortSignal,
): Promise<Repository> {
  const isAllowed = (path: string) => roots.length === 0 || isBelow(path, roots)
  const expectInside: ExpectInside = (place, name) => {
    if (!isAllowed(place)) throw outside(name)
  }
  for (let top: string = folder; isAllowed(top); top = dirname(top)) {
    const own = await gitDirectoryAt(top, expectInside)
    const shared = own && (await sharedBy(own, expectInside))
    if (own && shared) {
      if (roots.length > 0) await goAllWays(shared, expectInside, signal)
      return { top, own, shared }
    }
    if (top === '/') break
  }
  throw new AppError('not_a_repository', `${folder} is not in a Git repository.`)
}

/** `.git` is a directory, or a file that says where it is (gitrepository-layout(5)). */
async function gitDirectoryAt(top: string, expectInside: ExpectInside): Promise<string | undefined> {
  const name = join(top, '.git')
  const path = await realPlaceOf(name)
  expectInside(path, name)
  const found = await stat(path).catch(() => undefined)
  if (!found || found.isDirectory()) return found && path
  const [, target] = /^gitdir: ([^\n\0]+)\n*$/.exec((await readPlain(path, MOST_POINTER))?.toString() ?? '') ?? []
  const own = target === undefined ? undefined : await realPlaceOf(resolve(top, target))
  if (own !== undefined) expectInside(own, name)
  return own
}

/** Undefined when this is no repository after all. */
async function sharedBy(own: string, expectInside: ExpectInside): Promise<string | undefined> {
  const pointer = (await readPlain(join(own, 'commondir'), MOST_POINTER))?.toString().trim()
  const shared = pointer === undefined ? own : await realPlaceOf(resolve(own, pointer))
  expectInside(shared, join(own, 'commondir'))
  if (!(await readPlain(join(own, 'HEAD'), MOST_POINTER))) return undefined
  const objects = await stat(join(shared, 'objects')).catch(() => undefined)
  return objects?.isDirectory() ? shared : undefined
}

const MOST_POINTER = 64 * 1024

function outside(part: string): AppError {
  return new AppError(
    'forbidden_path',
    `The repository has parts outside of the folders that the operator allows: ${part}`,
  )
}
