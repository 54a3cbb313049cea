import type { Dirent } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { placeOf } from '../../core/folders.ts'
import { readPlain } from './plain.ts'
import { unreadable } from './run.ts'

/** Throws when what is at `place` may not be read; `name` is what the repository calls it. */
export type ExpectInside = (place: string, name: string) => void

/** What Git reads of what work trees share, besides objects and settings. */
const READ = ['refs', 'reftable', 'info', 'packed-refs', 'shallow']
const MOST_ALTERNATES = 20
const MOST_LIST = 64 * 1024
/** More than a repository has that is packed now and then. */
const MOST_ENTRIES = 500_000
/** A directory of objects has 256 of them in it, which would take their time one after the other. */
const AT_ONCE = 64

/**
 * Goes all ways by which Git gets from a repository to what lies elsewhere: alternates, and links wherever they stand, of
 * which each object and each reference may be one.
 */
export async function goAllWays(shared: string, expectInside: ExpectInside, signal: AbortSignal): Promise<void> {
  const known = new Set<string>()
  const toLookInto: string[] = []
  const add = (place: string) => {
    if (!known.has(place)) toLookInto.push(place)
    known.add(place)
  }
  const go = async (path: string) => {
    const place = await realPlaceOf(path)
    expectInside(place, path)
    add(place)
    return place
  }
  // It grows while it is gone through.
  const objects = new Set([join(shared, 'objects')])
  for (const each of objects) {
    if (objects.size > MOST_ALTERNATES) throw unreadable('The objects of the repository lie in too many places.')
    const at = await go(each)
    for (const alternate of await listed(await go(join(at, 'info/alternates')))) objects.add(resolve(at, alternate))
  }
  for (const name of READ) await go(join(shared, name))
  let entries = 0
  const look = async (place: string) => {
    signal.throwIfAborted()
    for await (const entry of await entriesOf(place)) {
      if (++entries > MOST_ENTRIES) throw unreadable('The repository has too many files of its own.')
      const path = join(place, entry.name)
      if (entry.isDirectory()) add(path)
      else if (entry.isSymbolicLink()) await go(path)
    }
  }
  while (toLookInto.length > 0) await Promise.all(toLookInto.splice(-AT_ONCE).map(look))
}

/** Where a path leads to, there or not: whether something is there must not be learned by a link to it. */
export async function realPlaceOf(path: string): Promise<string> {
  return (await placeOf(Buffer.from(path))).toString()
}

/** The lines of a list of alternates (gitrepository-layout(5)). */
async function listed(file: string): Promise<string[]> {
  const text = (await readPlain(file, MOST_LIST))?.toString()
  const isThere = text !== undefined || (await lstat(file).catch(() => undefined)) !== undefined
  // Git would read it as a text of C.
  const isQuoted = text !== undefined && /^"/m.test(text)
  if (isQuoted || (isThere && text === undefined)) throw unreadable('The alternates of the repository cannot be read.')
  return text?.split('\n').filter((line) => line !== '' && !line.startsWith('#')) ?? []
}

/** None where there is no directory. */
async function entriesOf(path: string): Promise<AsyncIterable<Dirent> | Iterable<Dirent>> {
  return opendir(path, { bufferSize: 1024 }).catch(() => [])
}
