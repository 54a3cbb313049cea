import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'

/** Something that is not what it has to be in a data directory. */
export class NotPlain extends Error {}

/** The text of a file that is one itself. A link could lead to anybody's secrets, and a pipe or a device has no end. */
export async function readPlainFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ELOOP' ? new NotPlain('it is a link', { cause }) : cause
    },
  )
  try {
    if (!(await file.stat()).isFile()) throw new NotPlain('it is not a plain file')
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Throws when `path` is anything but a directory, such as a link to one. */
export async function expectDirectory(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) throw new NotPlain('it is not a directory')
}
