import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

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
