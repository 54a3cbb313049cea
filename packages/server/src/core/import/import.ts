import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OriginalMeta } from '@claude-proxy/protocol/original'
import { folderOrSpelling } from '../folders.ts'
import type { Clock } from '../ports/outside.ts'
import type { ImportedConversation } from '../ports/conversation.ts'
import type { Store } from '../ports/store.ts'
import { expectDirectory, NotPlain, readPlainFile } from './plain-file.ts'
import { type Finding, repairEvents } from './repair.ts'
import { timestamp } from '../timestamp.ts'

/** What became of one conversation's directory. */
export type ImportReport =
  | { outcome: 'imported'; id: string; events: number; canonical: boolean; findings: readonly Finding[] }
  | { outcome: 'known'; id: string }
  | { outcome: 'skipped'; id: string; why: string }

interface Found {
  readonly name: string
  readonly meta: OriginalMeta
  /** When meta.json was last written: what the original takes for the latest use. */
  readonly writtenAt: number
}

/**
 * Takes in the data directory of the Python original: ids and numbers are kept, nothing in `directory` is changed,
 * and a second time changes nothing. Yields a report for each conversation.
 */
export async function* importOriginal(
  directory: string,
  { store, clock }: { store: Store; clock: Clock },
): AsyncGenerator<ImportReport> {
  const root = join(directory, 'conversations')
  const names = await readdir(root).catch((cause: unknown) => {
    throw new Error(`${directory} is not a data directory of the original: it has no folder "conversations".`, {
      cause,
    })
  })
  const found: Found[] = []
  for (const name of names.toSorted()) {
    const read = await readMeta(root, name)
    if ('why' in read) yield { outcome: 'skipped', id: name, why: read.why }
    else found.push(read)
  }
  const newest = await newestOfEachFolder(found)
  for (const each of found) {
    const read = await readConversation(root, each, newest.has(each), clock).catch((error: unknown) => {
      if (error instanceof NotPlain) return { why: `events.ndjson: ${error.message}` }
      throw error
    })
    if ('why' in read) {
      yield { outcome: 'skipped', id: each.name, why: read.why }
      continue
    }
    const { conversation, findings } = read
    const { id, lines, canonical } = conversation
    if (await store.importConversation(conversation))
      yield { outcome: 'imported', id, events: lines.length, canonical, findings }
    else yield { outcome: 'known', id }
  }
}

async function readMeta(root: string, name: string): Promise<Found | { why: string }> {
  const path = join(root, name, 'meta.json')
  try {
    await expectDirectory(join(root, name))
    const meta = OriginalMeta.safeParse(JSON.parse(await readPlainFile(path)))
    if (!meta.success)
      return {
        why: `meta.json: ${meta.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
      }
    return { name, meta: meta.data, writtenAt: (await stat(path)).mtimeMs }
  } catch (error) {
    return { why: `meta.json cannot be read: ${(error as Error).message}` }
  }
}

async function newestOfEachFolder(found: readonly Found[]): Promise<Set<Found>> {
  const newest = new Map<string, Found>()
  for (const each of found) {
    const folder = await folderOrSpelling(each.meta.cwd)
    const other = newest.get(folder)
    if (!other || each.writtenAt > other.writtenAt) newest.set(folder, each)
  }
  return new Set(newest.values())
}

async function readConversation(
  root: string,
  { name, meta, writtenAt }: Found,
  canonical: boolean,
  clock: Clock,
): Promise<{ conversation: ImportedConversation; findings: readonly Finding[] }> {
  const file = await readPlainFile(join(root, name, 'events.ndjson')).catch((error: NodeJS.ErrnoException) => {
    // A conversation that never ran has no events.
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const { lines, findings } = repairEvents(file, timestamp(clock.now()))
  const updatedAt = instant(meta.updated_at) ?? Math.round(writtenAt)
  return {
    findings,
    conversation: {
      id: meta.conversation_id,
      folder: await folderOrSpelling(meta.cwd),
      cwd: meta.cwd,
      group: meta.conversation_group ?? undefined,
      sessionId: meta.claude_session_id ?? undefined,
      createdAt: instant(meta.created_at) ?? updatedAt,
      updatedAt,
      lines,
      canonical,
    },
  }
}

/** An ISO 8601 instant in milliseconds; undefined when it is none. */
function instant(text: string | null | undefined): number | undefined {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? undefined : at
}
