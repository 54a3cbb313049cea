import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A place on the disk that holds nothing; a crash may leave it. */
const PROBE = 'probe'
const PROBE_BYTES = 4096

/** An operation that changes nothing: it says that the thread and the database take one. */
export const healthOperations = { answer: () => true }

/** Writes something into `dataDir` and removes it; says how much is free there. Rejects when nothing can be written. */
export async function probeDisk(dataDir: string): Promise<number> {
  const file = join(dataDir, PROBE)
  await writeFile(file, Buffer.alloc(PROBE_BYTES), { mode: 0o600 })
  await rm(file)
  return freeBytes(dataDir)
}

/** What the user that we are may still write there. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}
