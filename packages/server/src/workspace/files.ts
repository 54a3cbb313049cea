import type { Dirent } from 'node:fs'
import { lstat, opendir, readlink } from 'node:fs/promises'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Entry, Files, OpenFile, Place } from '../core/ports/files.ts'
import { type Bounds, type Held, hold, reopen, shown } from './hold.ts'

/** The files of folders, read from the disk. */
export function createFiles(bounds: Bounds): Files {
  return {
    async list(place, page, signal) {
      await using held = await hold(place, bounds)
      if (held.kind !== 'directory') throw new AppError('bad_request', `${shown(place.path)} is not a directory.`)
      const names = await namesIn(held, page, signal)
      const entries: Entry[] = []
      for (const name of names) {
        signal.throwIfAborted()
        const entry = await describe(held, name, place, bounds)
        if (entry) entries.push(entry)
      }
      return entries
    },

    async open(place) {
      await using held = await hold(place, bounds)
      if (held.kind !== 'file') {
        const kind = held.kind === 'directory' ? 'a directory' : 'neither a file nor a directory'
        throw new AppError('bad_request', `${shown(place.path)} is ${kind}.`)
      }
      // Awaited: `held` has to be there until the file is open.
      return await openHeld(held, place)
    },
  }
}

async function openHeld(held: Held, place: Place): Promise<OpenFile> {
  const handle = await reopen(held).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EACCES' && cause.code !== 'EPERM') throw cause
    throw new AppError('forbidden_path', `${shown(place.path)} may not be read by this service.`, {}, { cause })
  })
  try {
    const { size, mtimeMs, dev, ino, ctimeNs } = await handle.stat({ bigint: true })
    return {
      size: Number(size),
      modifiedAt: Number(mtimeMs),
      // Any change of content or place sets the time of change, which nobody can set back.
      version: `${dev.toString(36)}-${ino.toString(36)}-${size.toString(36)}-${ctimeNs.toString(36)}`,
      async read(position, length) {
        const buffer = Buffer.allocUnsafe(length)
        let at = 0
        while (at < length) {
          const { bytesRead } = await handle.read(buffer, at, length - at, position + at)
          if (bytesRead === 0) break
          at += bytesRead
        }
        return buffer.subarray(0, at)
      },
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** How many entries are asked for at once. */
const BATCH = 1024

/** The first names after `after`. Of a directory of any size no more is kept than is asked for. */
async function namesIn(
  held: Held,
  { after, limit, withHidden }: Parameters<Files['list']>[1],
  signal: AbortSignal,
): Promise<Buffer[]> {
  let names: Buffer[] = []
  const shorten = () => {
    names = names.sort((left, right) => left.compare(right)).slice(0, limit)
  }
  const directory = await opendir(held.at, { encoding: BYTES, bufferSize: BATCH }).catch(refuse)
  for await (const { name: given } of directory) {
    const name = given as unknown as Buffer
    signal.throwIfAborted()
    if ((!withHidden && isHidden(name)) || (after && name.compare(after) <= 0)) continue
    names.push(name)
    if (names.length >= limit + BATCH) shorten()
  }
  shorten()
  return names
}

/** Names as they are; the types know only of texts. */
const BYTES = 'buffer' as BufferEncoding

function refuse(cause: NodeJS.ErrnoException): never {
  if (cause.code !== 'EACCES') throw cause
  throw new AppError('forbidden_path', 'The directory may not be read by this service.', {}, { cause })
}

/** Undefined when it has gone meanwhile. */
async function describe(held: Held, name: Buffer, place: Place, bounds: Bounds): Promise<Entry | undefined> {
  const path = Buffer.concat([Buffer.from(`${held.at}/`), name])
  const found = await lstat(path).catch(() => undefined)
  if (!found) return undefined
  const facts = { name, size: found.size, modifiedAt: found.mtimeMs, isHidden: isHidden(name) }
  if (!found.isSymbolicLink()) return { ...facts, kind: kindOf(found) }
  const target = await readlink(path, { encoding: 'buffer' }).catch(() => Buffer.alloc(0))
  const inside = place.path.length === 0 ? name : Buffer.concat([place.path, Buffer.from('/'), name])
  return { ...facts, kind: 'link', target, leadsTo: await kindAt({ folder: place.folder, path: inside }, bounds) }
}

/** What a link leads to; undefined when that is not there, or not to be shown. */
async function kindAt(place: Place, bounds: Bounds): Promise<Held['kind'] | undefined> {
  try {
    await using held = await hold(place, bounds)
    return held.kind
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

function kindOf(found: Pick<Dirent, 'isFile' | 'isDirectory'>): Held['kind'] {
  return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'
}

const DOT = 0x2e

function isHidden(name: Buffer): boolean {
  return name[0] === DOT
}
