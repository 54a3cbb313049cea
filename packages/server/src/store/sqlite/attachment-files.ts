import { chmodSync, constants, lstatSync, mkdirSync } from 'node:fs'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentFiles, FileContent } from '../../core/ports/attachment.ts'
import { syncDirectory } from './data-dir.ts'

/** What is not whole yet: the next start removes it. */
const PART = '.part'

/** Keeps attachments as files in `dataDir`, beside the database and its owner's alone, each named by its id. */
export function openAttachmentFiles(dataDir: string): AttachmentFiles {
  const directory = join(dataDir, 'attachments')
  makePrivate(directory)
  const pathOf = (name: string) => join(directory, name)

  return {
    async put(id, parts, check) {
      const part = pathOf(id + PART)
      try {
        const checked = await write(part, parts, check)
        await rename(part, pathOf(id))
        await sync(directory)
        return checked
      } catch (error) {
        for (const path of [part, pathOf(id)]) await rm(path, { force: true })
        throw translated(error, 'Nothing was stored')
      }
    },

    async open(id) {
      try {
        // A link is nothing that we have put there.
        const handle = await open(pathOf(id), constants.O_RDONLY | constants.O_NOFOLLOW)
        await using opening = new AsyncDisposableStack()
        opening.use(handle)
        const content = await contentOf(handle)
        const opened = opening.move()
        return { ...content, [Symbol.asyncDispose]: () => opened.disposeAsync() }
      } catch (error) {
        throw translated(error, 'An attachment cannot be read')
      }
    },

    async remove(name) {
      await rm(pathOf(name), { force: true })
    },

    names: () => readdir(directory),
  }
}

/** Writes and looks at what it has written. It is on the disk when this resolves, but for its name. */
async function write<T>(
  path: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  check: (file: FileContent) => Promise<T>,
): Promise<T> {
  await using handle = await open(path, 'wx+', 0o600)
  await handle.writeFile(parts)
  const checked = await check(await contentOf(handle))
  await handle.sync()
  return checked
}

async function contentOf(handle: FileHandle): Promise<FileContent> {
  const { size } = await handle.stat()
  return {
    size,
    async read(at, length) {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - at)))
      const { bytesRead } = await handle.read({ buffer: bytes, position: at })
      return bytes.subarray(0, bytesRead)
    },
  }
}

async function sync(directory: string): Promise<void> {
  if (process.platform === 'win32') return // directories cannot be synced
  await using handle = await open(directory)
  await handle.sync()
}

function makePrivate(directory: string): void {
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (!lstatSync(directory).isDirectory())
    throw new AppError(
      'storage_unavailable',
      `${directory} has to be a directory, not a link: move what it leads to here.`,
    )
  chmodSync(directory, 0o700)
  if (made !== undefined && process.platform !== 'win32') syncDirectory(join(directory, '..'))
}

/** What the disk or the system did, as a sentence; anything else is what a client sent, or a mistake of ours. */
function translated(error: unknown, what: string): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error
  const todo = FULL.has(String(error.code)) ? 'Free some disk space and try again.' : 'See the log of the service.'
  return new AppError(
    'storage_unavailable',
    `${what}, the disk refused it (${String(error.code)}). ${todo}`,
    {},
    { cause: error },
  )
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
