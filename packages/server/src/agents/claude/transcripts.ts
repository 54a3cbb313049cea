import { lstat, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Folder } from '@claude-proxy/protocol/ids'
import { openPlainFile } from '../../core/import/plain-file.ts'

/**
 * Claude Code's own record of its sessions: `projects/<folder>/<session>.jsonl` in its configuration directory, a line of
 * JSON for each entry. Nothing here follows a link that an agent may have put there.
 */

/** A transcript, without what is in it. */
export interface TranscriptFile {
  readonly session: string
  readonly path: string
  readonly usedAt: number
  readonly bytes: number
}

export const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The transcripts that lie where those of `folder` do; the one written last first. */
export async function findTranscripts(configDirectory: string, folder: Folder): Promise<TranscriptFile[]> {
  const found: TranscriptFile[] = []
  for (const directory of await directoriesOf(configDirectory, folder)) {
    for (const name of await readdir(directory).catch(() => [])) {
      const session = name.slice(0, -'.jsonl'.length)
      if (!name.endsWith('.jsonl') || !SESSION_ID.test(session)) continue
      const file = await look(join(directory, name), session)
      if (file) found.push(file)
    }
  }
  return found.sort((a, b) => b.usedAt - a.usedAt || (a.session < b.session ? -1 : 1))
}

/** The transcript of a session of `folder`. */
export async function findTranscript(
  configDirectory: string,
  folder: Folder,
  session: string,
): Promise<TranscriptFile | undefined> {
  if (!SESSION_ID.test(session)) return undefined
  for (const directory of await directoriesOf(configDirectory, folder)) {
    const file = await look(join(directory, `${session}.jsonl`), session)
    if (file) return file
  }
  return undefined
}

async function look(path: string, session: string): Promise<TranscriptFile | undefined> {
  const stat = await lstat(path).catch(() => undefined)
  return stat?.isFile() ? { session, path, usedAt: Math.floor(stat.mtimeMs), bytes: stat.size } : undefined
}

/** Longer names end in a hash that not every version makes alike. */
const LONGEST_NAME = 200

/** Several folders can have one name: whose a transcript is, its entries say. */
async function directoriesOf(configDirectory: string, folder: Folder): Promise<string[]> {
  const projects = await realpath(join(configDirectory, 'projects')).catch(() => undefined)
  if (projects === undefined) return []
  const name = folder.replace(/[^a-zA-Z0-9]/g, '-')
  const names =
    name.length <= LONGEST_NAME
      ? [name]
      : (await readdir(projects).catch(() => [])).filter((each) => each.startsWith(`${name.slice(0, LONGEST_NAME)}-`))
  const directories = names.map((each) => join(projects, each))
  const stats = await Promise.all(directories.map((path) => lstat(path).catch(() => undefined)))
  return directories.filter((_, n) => stats[n]?.isDirectory())
}

/** One entry of a transcript, as far as we read it ourselves. */
export type Entry = Record<string, unknown>

const HEAD_BYTES = 256 * 1024
const TAIL_BYTES = 64 * 1024

/** The first and the last entries of a transcript, however long it is. */
export async function readEnds({ path }: TranscriptFile): Promise<Entry[]> {
  await using file = await openPlainFile(path)
  const { size } = await file.stat()
  const head = await readText(0, Math.min(size, HEAD_BYTES))
  if (size <= HEAD_BYTES) return head.split('\n').flatMap(readEntry)
  const start = Math.max(HEAD_BYTES, size - TAIL_BYTES)
  const tail = await readText(start, size - start)
  // The line at either cut is none.
  return [...head.split('\n').slice(0, -1), ...tail.split('\n').slice(1)].flatMap(readEntry)

  async function readText(position: number, length: number): Promise<string> {
    const buffer = Buffer.alloc(length)
    const { bytesRead } = await file.read(buffer, 0, length, position)
    return buffer.toString('utf8', 0, bytesRead)
  }
}

/** Where the newest messages are looked for: in so many of the last bytes, then in so many. */
const NEWEST_BYTES = [64 * 1024, 4 * 1024 * 1024]

/** How many messages the session has after this one, up to `until`; undefined when it is not among the last. */
export function countAfter(file: TranscriptFile, message: string, until: string): Promise<number | undefined> {
  return lookBack(file, () => {
    let after = 0
    return (entry) => {
      if (entry['uuid'] === message || firstName(entry) === message) return after
      if (entry['uuid'] === until) after = 0
      else if (isMessage(entry)) after++
      return undefined
    }
  })
}

/** The entry that this one follows; undefined when it is not among the last. */
export function parentOf(file: TranscriptFile, uuid: string): Promise<string | undefined> {
  return lookBack(file, () => (entry) => {
    const parent = entry['uuid'] === uuid ? entry['parentUuid'] : undefined
    return typeof parent === 'string' ? parent : undefined
  })
}

/** Goes through the last entries of a transcript, the newest first, until what `begin` gives finds something. */
async function lookBack<T>(
  { path }: TranscriptFile,
  begin: () => (entry: Entry) => T | undefined,
): Promise<T | undefined> {
  await using file = await openPlainFile(path)
  const { size } = await file.stat()
  for (const bytes of NEWEST_BYTES) {
    const buffer = Buffer.alloc(Math.min(size, bytes))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length)
    const ask = begin()
    for (const line of buffer.toString('utf8', 0, bytesRead).split('\n').toReversed()) {
      const found = ask(readEntry(line)[0] ?? {})
      if (found !== undefined) return found
    }
    if (buffer.length === size) return undefined
  }
  return undefined
}

/** What somebody said: not what Claude Code keeps beside it, nor what it puts in by itself. */
function isMessage({ type, isSidechain, isMeta, message }: Entry): boolean {
  if ((type !== 'user' && type !== 'assistant') || isSidechain === true || isMeta === true) return false
  return !(typeof message === 'object' && message !== null && 'model' in message && message.model === '<synthetic>')
}

/** What a message was called when it was said; a fork gives it another name. */
export function firstName({ uuid, forkedFrom }: Entry): string {
  const first = typeof forkedFrom === 'object' && forkedFrom !== null ? { ...forkedFrom } : {}
  return 'messageUuid' in first ? String(first.messageUuid) : String(uuid)
}

/** The entry in a line; none when it is no JSON object, as the last line may be while it is written. */
export function readEntry(line: string): Entry[] {
  if (!line.startsWith('{')) return []
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? [{ ...value }] : []
  } catch {
    return []
  }
}
