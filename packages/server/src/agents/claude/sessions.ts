import { Worker } from 'node:worker_threads'
import type { SDKSessionInfo } from '@anthropic-ai/claude-agent-sdk'
import { AppError } from '@claude-proxy/protocol/errors'
import type { EventPayload } from '@claude-proxy/protocol/events'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { Clock, Log } from '../../core/ports/outside.ts'
import type { AgentSession, Forked, SessionMark, Sessions } from '../../core/ports/sessions.ts'
import { Queue } from '../queue.ts'
import { createAdmission } from './admission.ts'
import { sessionsInUse } from './in-use.ts'
import type { TranscriptReply, TranscriptWork } from './transcript-worker.ts'
import { countAfter, findTranscript, findTranscripts, parentOf, readEnds, type TranscriptFile } from './transcripts.ts'
import { timestamp } from '../../core/timestamp.ts'

/** A list looks into no more files for one page: those that are no sessions of the folder are passed over. */
const LOOKED_INTO = 500
/** A larger transcript is not taken in. */
const MOST_BYTES = 128 * 1024 * 1024
/** What going through one may cost. */
const MOST_MEGABYTES = 1024
const MOST_MS = 60_000

export interface ClaudeSessionsOptions {
  /** Where Claude Code keeps what it keeps. */
  readonly configDirectory: string
  readonly clock: Clock
  readonly log: Log
  /** Whether the process is one of this service's agents. */
  readonly isOurs: (pid: number) => boolean
}

export interface ClaudeSessions extends Sessions {
  /**
   * What the session has after this message, up to a prompt of ours, and whether somebody has it open; undefined when
   * nothing is known of that.
   */
  unseen(folder: Folder, id: string, message: string, until: string): Promise<Unseen | undefined>
  /** What lies before a prompt in the session; undefined when the session does not have the prompt. */
  before(folder: Folder, id: string, prompt: string): Promise<string | undefined>
}

interface Unseen {
  readonly messages: number
  readonly isInUse: boolean
}

/** Claude Code's sessions, read from its own files. */
export function createClaudeSessions({ configDirectory, clock, log, isOurs }: ClaudeSessionsOptions): ClaudeSessions {
  // One whole transcript in memory at a time.
  const turns = createAdmission(1)

  return {
    async list(folder, { after, limit }) {
      const files = (await findTranscripts(configDirectory, folder)).filter((file) => !after || comesAfter(file, after))
      const inUse = await sessionsInUse(configDirectory, isOurs)
      const sessions: AgentSession[] = []
      let next: SessionMark | undefined
      for (const [at, file] of files.entries()) {
        if (sessions.length === limit || at === LOOKED_INTO) break
        const session = await describe(file, folder, inUse)
        if (session) sessions.push(session)
        next = at + 1 < files.length ? { usedAt: file.usedAt, id: file.session } : undefined
      }
      return { sessions, next }
    },

    async find(folder, id) {
      const file = await findTranscript(configDirectory, folder, id)
      return file && describe(file, folder, await sessionsInUse(configDirectory, isOurs))
    },

    async *read(folder, id) {
      const file = await expect(folder, id)
      const work: TranscriptWork = {
        do: 'read',
        path: file.path,
        session: id,
        timestamp: timestamp(clock.now()),
      }
      for await (const reply of inThread(work)) if ('lines' in reply) yield reply.lines
    },

    async before(folder, id, prompt) {
      const file = await findTranscript(configDirectory, folder, id)
      return file && parentOf(file, prompt)
    },

    async unseen(folder, id, message, until) {
      const file = await findTranscript(configDirectory, folder, id)
      const messages = file && (await countAfter(file, message, until))
      if (!messages) return undefined
      return { messages, isInUse: (await sessionsInUse(configDirectory, isOurs)).has(id) }
    },

    async fork(request) {
      const file = await findTranscript(configDirectory, request.folder, request.session)
      if (!file) return { status: 'unknown' }
      expectSize(file)
      let forked: Forked = { status: 'unknown' }
      const work: TranscriptWork = { do: 'fork', path: file.path, session: request.session, request }
      for await (const reply of inThread(work)) if ('done' in reply && reply.done) forked = reply.done
      return forked
    },
  }

  async function expect(folder: Folder, id: string): Promise<TranscriptFile> {
    const file = await findTranscript(configDirectory, folder, id)
    if (!file) throw new AppError('session_unknown', `The folder has no session ${id}.`, { session_id: id })
    expectSize(file)
    return file
  }

  /** Goes through a transcript, and tells what comes of it as it comes. */
  async function* inThread(work: TranscriptWork): AsyncGenerator<TranscriptReply> {
    const done = await turns.enter()
    const replies = new Queue<TranscriptReply>()
    const worker = new Worker(WORKER, {
      name: 'transcript',
      workerData: work,
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
    })
    let failure: unknown
    const slow = setTimeout(() => {
      failure = new Error(`it took more than ${MOST_MS / 1000} s`)
      void worker.terminate()
    }, MOST_MS)
    worker.on('message', (reply: TranscriptReply) => replies.push(reply))
    worker.on('error', (error) => {
      failure ??= error
    })
    worker.on('exit', () => replies.end())
    try {
      yield* replies
      if (failure === undefined) return
      log.warn('a session could not be read', { session: work.session, error: failure })
      throw new AppError('session_unreadable', 'The session cannot be read.', { session_id: work.session })
    } finally {
      clearTimeout(slow)
      await worker.terminate()
      done()
    }
  }
}

/** Says in the transcript that it is not all that the agent knows. */
export function grownEvent(session: string, { messages, isInUse }: Unseen, at: number): EventPayload {
  const where = isInUse
    ? ' It is open elsewhere now: end it there, or what is said there and here is lost to each other.'
    : ''
  const content = `The agent's session holds messages that are not here (${messages}): it was used elsewhere, or cut off.${where}`
  const told = { session_id: session, unseen_messages: messages, in_use: isInUse, content }
  return { type: 'system', subtype: 'session_grown_elsewhere', ...told, timestamp: timestamp(at) }
}

// compiled, the neighbour is a .js file
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './transcript-worker.ts' : './transcript-worker.js',
  import.meta.url,
)

function expectSize({ session, bytes }: TranscriptFile): void {
  if (bytes <= MOST_BYTES) return
  throw new AppError('session_unreadable', `The session is larger than ${MOST_BYTES} bytes.`, { session_id: session })
}

function comesAfter({ usedAt, session }: TranscriptFile, mark: SessionMark): boolean {
  return usedAt < mark.usedAt || (usedAt === mark.usedAt && session > mark.id)
}

/** What is known of a session without going through it; undefined when it is none, or another folder's. */
async function describe(
  file: TranscriptFile,
  folder: Folder,
  inUse: ReadonlySet<string>,
): Promise<AgentSession | undefined> {
  // Gone, or a link since we looked.
  const entries = await readEnds(file).catch(() => [])
  if (entries.find(({ cwd }) => typeof cwd === 'string')?.['cwd'] !== folder) return undefined
  const { getSessionInfo } = await import('@anthropic-ai/claude-agent-sdk')
  const load = { load: () => Promise.resolve(entries as never), append: () => Promise.resolve() }
  const info: SDKSessionInfo | undefined = await getSessionInfo(file.session, { dir: folder, sessionStore: load })
  if (!info) return undefined
  return {
    id: file.session,
    title: words(info.customTitle ?? info.summary),
    firstPrompt: words(info.firstPrompt),
    // What git says of a folder that is none of its.
    gitBranch: info.gitBranch === 'HEAD' ? undefined : words(info.gitBranch),
    beganAt: info.createdAt,
    usedAt: file.usedAt,
    bytes: file.bytes,
    isInUse: inUse.has(file.session),
  }
}

const MOST_WORDS = 500

/** Words for a list: in one line, and not without end. */
function words(text: string | undefined): string | undefined {
  const line = text
    ?.slice(0, MOST_WORDS)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
  return line === '' ? undefined : line?.toWellFormed()
}
