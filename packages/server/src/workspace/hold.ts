import { constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath, stat, statfs } from 'node:fs/promises'
import { join, normalize, resolve } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import { type FolderRules, isBelow, placeOf } from '../core/folders.ts'
import type { Place } from '../core/ports/files.ts'

/** Where people may look, and what of it is ours alone. */
export interface Bounds {
  readonly rules: FolderRules
  /** The directory that the service keeps its data in. */
  readonly dataDir: string
  /** Other files of the service that nobody may look into: its token, its key, its settings, its socket. */
  readonly ownFiles: readonly string[]
}

/** Something that was looked at and is held on to: whatever happens to its name, `at` leads to it and nothing else. */
export interface Held extends AsyncDisposable {
  readonly at: string
  readonly kind: 'file' | 'directory' | 'other'
}

/** Linux, `open(2)`: a handle on the thing itself, which opens neither pipe nor device. Node has no name for it. */
const O_PATH = 0o10000000

/**
 * What a path leads to, if it may be shown. It is taken hold of first and looked at then, by the name that the kernel has
 * for what is held: a link that is turned between the two changes nothing.
 */
export async function hold({ folder, path }: Place, bounds: Bounds): Promise<Held> {
  if (process.platform !== 'linux')
    throw new AppError(
      'unavailable_here',
      'Files are shown on Linux only: elsewhere they could be swapped after the check.',
    )
  const roots = bounds.rules.allowedRoots.length > 0 ? bounds.rules.allowedRoots : [folder]
  // As it is spelled: `..` does not mean what is above the place that a link leads to.
  const whole = Buffer.from(normalize(Buffer.concat([Buffer.from(`${folder}/`), path]).toString('latin1')), 'latin1')
  // Before anything is opened: whether something is there must not be learned by asking for it from inside.
  if (!isInside(whole, roots)) throw outside(path)
  const handle = await open(whole, O_PATH).catch(async (error: NodeJS.ErrnoException) => {
    throw isInside(await placeOf(whole), roots) ? notThere(path, error) : outside(path)
  })
  try {
    const at = `/proc/self/fd/${handle.fd}`
    const real = await readlink(at, { encoding: 'buffer' })
    if (!isInside(real, roots)) throw outside(path)
    await expectNotOurs(handle, real, at, bounds, path)
    const found = await handle.stat()
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'
    return { at, kind, [Symbol.asyncDispose]: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Opens for reading what is held. */
export function reopen({ at }: Held): Promise<FileHandle> {
  return open(at, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
}

/** The data directory and other files of ours, also by another name of theirs, and what the kernel tells about processes. */
async function expectNotOurs(
  handle: FileHandle,
  real: Buffer,
  at: string,
  { dataDir, ownFiles }: Bounds,
  path: Buffer,
): Promise<void> {
  const ours = await realpath(dataDir).catch(() => resolve(dataDir))
  if (isInside(real, [ours])) throw forbidden(path, 'belongs to this service')
  const [held, ...own] = await Promise.all([
    handle.stat(),
    ...ownFiles.map((file) => stat(file).catch(() => undefined)),
  ])
  if (own.some((file) => file?.dev === held.dev && file.ino === held.ino))
    throw forbidden(path, 'belongs to this service')
  const { type } = await statfs(at)
  if (KERNEL_FILES.has(type)) throw forbidden(path, 'is no file on a disk')
}

/** Kinds of file systems (`statfs(2)`) that show or steer the running system: `/proc` has our own environment. */
const KERNEL_FILES = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0xcafe4a11, // bpf
  0x62656570, // configfs
  0xde5e81e4, // efivarfs
  0x6165676c, // pstore
  0xf97cff8c, // selinuxfs
  0x43415d53, // smackfs
  0x1cd1, // devpts
  0x42494e4d, // binfmt_misc
  0x19800202, // mqueue
])

/** By bytes: two names that are no text must not become the same. */
function isInside(path: Buffer, roots: readonly string[]): boolean {
  return isBelow(
    path.toString('latin1').replace(/(?<=.)\/$/, ''),
    roots.map((root) => Buffer.from(root).toString('latin1')),
  )
}

function outside(path: Buffer): AppError {
  return forbidden(path, 'is, or leads, outside of the folder')
}

function forbidden(path: Buffer, why: string): AppError {
  return new AppError('forbidden_path', `${shown(path)} ${why}.`)
}

function notThere(path: Buffer, error: NodeJS.ErrnoException): AppError {
  const why = REASONS[error.code ?? '']
  if (why === undefined) throw error
  return new AppError(
    error.code === 'EACCES' ? 'forbidden_path' : 'path_unknown',
    `${shown(path)} ${why}.`,
    {},
    { cause: error },
  )
}

const REASONS: Record<string, string> = {
  ENOENT: 'is not there',
  ENOTDIR: 'is not there',
  EACCES: 'may not be read by this service',
  ELOOP: 'has too many links',
  ENAMETOOLONG: 'is too long',
}

/** How a path reads in a sentence. */
export function shown(path: Buffer): string {
  return path.length === 0 ? 'The folder' : join(path.toString())
}
