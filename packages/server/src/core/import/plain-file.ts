import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'

/** Something that is not what it has to be in a data directory. */
export class NotPlain extends Error {}

/** Opens a file that is one itself, to read it. A link could lead to anybody's secrets, and a pipe or a device has no end. */
export async function openPlainFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ELOOP' ? new NotPlain('it is a link', { cause }) : cause
    },
  )
  const isFile = await file.stat().then((stat) => stat.isFile())
  if (isFile) return file
  await file.close()
  throw new NotPlain('it is not a plain file')
}

/** The text of such a file. */
export async function readPlainFile(path: string): Promise<string> {
  await using file = await openPlainFile(path)
  return await file.readFile('utf8')
}

/** Throws when `path` is anything but a directory, such as a link to one. */
export async function expectDirectory(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) throw new NotPlain('it is not a directory')
}
