import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { forkSession, getSessionMessages, type SessionStore } from '@anthropic-ai/claude-agent-sdk'
import { toLine } from '@claude-proxy/protocol/json'
import { readPlainFile } from '../../core/import/plain-file.ts'
import type { Forked, ForkRequest } from '../../core/ports/sessions.ts'
import { possibleEnds } from '../ends.ts'
import { normalise } from './normalise.ts'
import { type Entry, firstName, readEntry } from './transcripts.ts'

/**
 * The thread that goes through a whole transcript, which may be large and hold anything: it costs nobody a wait, and if
 * it takes too much memory it goes alone. We read and write the files; what the entries mean, the SDK knows.
 */
export type TranscriptWork = { readonly path: string; readonly session: string } & (
  | { readonly do: 'read'; readonly timestamp: string }
  | { readonly do: 'fork'; readonly request: ForkRequest }
)

/** `lines`: events; there may be more. `done`: that was all. */
export type TranscriptReply = { readonly lines: readonly string[] } | { readonly done: Forked | undefined }

/** How much goes into one message to the other side. */
const BATCH_CHARS = 512 * 1024
/** A longer event would be more than a reader can be asked to hold. */
const LONGEST_LINE = 8 * 1024 * 1024

if (parentPort === null) throw new Error('transcript-worker.ts is the inside of a worker thread')
const port = parentPort
const work: TranscriptWork = workerData
const entries = (await readPlainFile(work.path)).split('\n').flatMap(readEntry)
const messages = await getSessionMessages(work.session, {
  sessionStore: storeOf(entries),
  dir: '/',
  includeSystemMessages: true,
})
if (work.do === 'read') read(work.timestamp)
else answer({ done: await fork(work.request) })

function read(timestamp: string): void {
  let lines: string[] = []
  let chars = 0
  for (const message of messages) {
    const payload = normalise({ ...message }, timestamp)
    if (!payload) continue
    const line = toLine(payload)
    const isLong = line.length > LONGEST_LINE
    const note = { type: 'proxy_note', subtype: 'too_long', chars: line.length, uuid: message.uuid, timestamp }
    lines.push(isLong ? toLine(note) : line)
    chars += lines.at(-1)?.length ?? 0
    if (chars < BATCH_CHARS) continue
    answer({ lines })
    lines = []
    chars = 0
  }
  if (lines.length > 0) answer({ lines })
  answer({ done: undefined })
}

async function fork({ at, others, title }: ForkRequest): Promise<Forked> {
  if (messages.length === 0) return { status: 'unknown' }
  const ends = endsByName()
  const last = at === undefined ? undefined : ends.get(at)
  if (at !== undefined && last === undefined)
    return { status: 'uncut', possible: others.filter((each) => ends.has(each)) }
  const { sessionId } = await forkSession(work.session, {
    sessionStore: storeOf(entries, save),
    dir: '/',
    title,
    ...(last !== undefined && { upToMessageId: last }),
  })
  return { status: 'forked', session: sessionId }
}

/** The messages that it could end with, each under all names that it has in events. */
function endsByName(): Map<string, string> {
  const origins = originsOf(entries)
  const ends = possibleEnds(messages).map((uuid) => [uuid, uuid] as const)
  return new Map([...ends.map(([uuid]) => [origins.get(uuid) ?? uuid, uuid] as const), ...ends])
}

/** A fork gives its messages other names; the events that were copied keep those they had when they were said. */
function originsOf(from: readonly Entry[]): Map<string, string> {
  return new Map(from.map((entry) => [String(entry['uuid']), firstName(entry)]))
}

/** Writes the new session beside the old one. A fork of a fork says where its messages came from in the beginning. */
async function save(session: string, forked: readonly Entry[]): Promise<void> {
  const origins = originsOf(entries)
  const lines = forked.map((entry) => {
    const { forkedFrom } = entry
    if (typeof forkedFrom !== 'object' || forkedFrom === null) return `${JSON.stringify(entry)}\n`
    const messageUuid = origins.get(firstName(entry)) ?? firstName(entry)
    return `${JSON.stringify({ ...entry, forkedFrom: { ...forkedFrom, messageUuid } })}\n`
  })
  await using file = await open(join(dirname(work.path), `${session}.jsonl`), 'wx', 0o600)
  await file.writeFile(lines.join(''))
  // The conversation will be there after a power cut: so has its session to be.
  await file.sync()
}

/** The entries as the SDK wants to be given them. */
function storeOf(loaded: readonly Entry[], onAppend?: typeof save): SessionStore {
  return {
    load: () => Promise.resolve(loaded as never),
    append: async ({ sessionId }, added) => onAppend?.(sessionId, added),
  }
}

function answer(reply: TranscriptReply): void {
  port.postMessage(reply)
}
