import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Random } from './random.ts'
import { apply, type File, NOTHING, torn, type Write } from './torn-file.ts'
import type { Call, Moment } from './trace.ts'

/**
 * A folder on a disk with a cache: what was written is visible at once, but only what an fsync has covered is sure to be
 * there after the power has failed. It believes nothing more than POSIX says:
 *
 * - An fsync of a file covers what had been written to it before the fsync began, its length included.
 * - Of all that came later any part may be there: each sector of 512 bytes has, by itself, one of the contents that it
 *   had since. A sector is written whole or not at all (what SQLite calls powersafe overwrite). The length is any one
 *   that the file had; new space that was not written holds zeros, or rubbish.
 * - A name in a directory is there, or gone, for sure only after an fsync of the directory.
 */
export interface Disk {
  readonly play: (moment: Moment) => void
  /** What a power cut may leave now, by path below the folder. Undefined: not even the folder. */
  readonly cut: (random: Random) => Map<string, Buffer> | undefined
  /** Whether a cut now may leave one thing or another of what is called so. */
  readonly isUnsure: (name: string) => boolean
  /** A file that is not as it is in the folder: then the trace does not tell everything. */
  readonly differs: () => string | undefined
}

/** A name leads to another file, or to none. */
interface Naming {
  readonly name: string
  readonly file: File | undefined
}

/** The disk below `folder` as it is found now, all of it durable; or without the folder, when it is not there yet. */
export function createDisk(folder: string): Disk {
  const visible = new Map<string, File>()
  for (const [name, content] of readFolder(folder))
    visible.set(name, {
      durable: apply(NOTHING, [{ isTruncation: false, at: 0, data: content, isDone: true }], true),
      pending: [],
    })
  const durable = new Map<string, File>(visible)
  let namings: Naming[] = []
  /** Directories above that the folder needs and that no fsync has covered yet, with what they have to hold. */
  const missing = new Map<string, string>()
  /** What an fsync that has begun will cover, once it ends. */
  const syncs = new Map<Call, () => void>()
  const writes = new Map<Call, Write>()
  const positions = new Map<number, number>()

  return {
    play({ call, is }) {
      if (is === 'begin') begin(call)
      else end(call)
    },
    cut(random) {
      if (missing.size > 0 && random.chance(0.5)) return undefined
      return cut(random)
    },
    isUnsure: (name) => (visible.get(name)?.pending.length ?? 0) > 0 || namings.some((naming) => naming.name === name),
    differs() {
      const real = readFolder(folder)
      const names = new Set([...real.keys(), ...visible.keys()])
      return [...names].find((name) => {
        const file = visible.get(name)
        return file === undefined || !real.get(name)?.equals(apply(file.durable, file.pending))
      })
    },
  }

  function begin(call: Call): void {
    const { name } = call
    // libuv has one ring for epoll, and one that works by itself for files, if it is told to
    if (name === 'io_uring_setup' && call.more.includes('IORING_SETUP_SQPOLL'))
      throw new Error('io_uring writes past strace')
    if (name === 'fsync' || name === 'fdatasync') return beginSync(call)
    const file = fileOf(call)
    if (file === undefined) return
    if (name === 'mmap') {
      if (/PROT_WRITE/.test(call.more) && /MAP_SHARED/.test(call.more) && !call.target.endsWith('-shm'))
        throw new Error(`${call.target} is written through memory`)
    } else if (name === 'pwrite64' || name === 'write' || name === 'ftruncate') {
      const at = call.at ?? positions.get(call.fd) ?? 0
      if (name === 'write') positions.set(call.fd, at + call.data.length)
      const write = { isTruncation: name === 'ftruncate', at, data: call.data, isDone: false }
      file.pending.push(write)
      writes.set(call, write)
    } else if (!/^(openat|unlink|unlinkat)$/.test(name)) throw new Error(`${name} of ${call.target} is not understood`)
  }

  function end(call: Call): void {
    const { name, target, result } = call
    if (!(result >= 0)) return
    const write = writes.get(call)
    if (write !== undefined) write.isDone = true
    writes.delete(call)
    syncs.get(call)?.()
    syncs.delete(call)
    if (name === 'mkdir' && `${folder}/`.startsWith(`${target}/`)) missing.set(dirname(target), target)
    if (name === 'openat') open(call)
    if (name.startsWith('unlink') && inFolder(target)) rename(basename(target), undefined)
  }

  function open({ target, more, result }: Call): void {
    if (!inFolder(target)) return
    positions.set(result, 0)
    if (!more.includes('O_CREAT')) return
    const known = visible.get(basename(target))
    if (known === undefined) rename(basename(target), { durable: Buffer.alloc(0), pending: [] })
    else if (more.includes('O_TRUNC')) known.pending.push({ isTruncation: true, at: 0, data: NOTHING, isDone: true })
  }

  function rename(name: string, file: File | undefined): void {
    if (file === undefined) visible.delete(name)
    else visible.set(name, file)
    namings.push({ name, file })
  }

  function beginSync(call: Call): void {
    if (call.target === folder) {
      const covered = [...namings]
      syncs.set(call, () => {
        for (const { name, file } of covered) setName(durable, name, file)
        namings = namings.filter((naming) => !covered.includes(naming))
      })
    } else if (missing.has(call.target)) syncs.set(call, () => void missing.delete(call.target))
    const file = fileOf(call)
    if (file === undefined) return
    const covered = new Set(file.pending.filter(({ isDone }) => isDone))
    syncs.set(call, () => {
      // What is not covered is later in time than all that is, or overlaps with nothing of it: commits and checkpoints
      // write different files.
      file.durable = apply(
        file.durable,
        file.pending.filter((write) => covered.has(write)),
        true,
      )
      file.pending = file.pending.filter((write) => !covered.has(write))
    })
  }

  function fileOf({ target }: Call): File | undefined {
    return inFolder(target) ? visible.get(basename(target)) : undefined
  }

  function inFolder(path: string): boolean {
    // The memory that SQLite shares between processes (-shm) is made anew.
    return dirname(path) === folder && !path.endsWith('-shm') && !path.endsWith(' (deleted)')
  }

  function cut(random: Random): Map<string, Buffer> {
    const names = new Map(durable)
    const stuck = new Set<string>()
    const share = random.pick([0, 0.5, 1])
    for (const { name, file } of namings) {
      // each name goes as far as it goes, whatever the others do
      if (stuck.has(name) || !random.chance(share)) stuck.add(name)
      else setName(names, name, file)
    }
    return new Map([...names].map(([name, file]) => [name, torn(file, random)]))
  }
}

function setName(names: Map<string, File>, name: string, file: File | undefined): void {
  if (file === undefined) names.delete(name)
  else names.set(name, file)
}

/** Its files; not what lies in folders of its own: nothing is attached in these lives. */
function readFolder(folder: string): Map<string, Buffer> {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isFile())
    const names = files.map(({ name }) => name).filter((name) => !name.endsWith('-shm'))
    return new Map(names.map((name) => [name, readFileSync(join(folder, name))]))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
    throw error
  }
}

/** Writes what a cut has left. */
export function writeImage(folder: string, files: ReadonlyMap<string, Buffer>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [name, content] of files) writeFileSync(join(folder, name), content, { mode: 0o600 })
}
