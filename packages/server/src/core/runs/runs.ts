import { AppError } from '@claude-proxy/protocol/errors'
import { promptEvent } from '@claude-proxy/protocol/events'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { alreadyRunning, cwdMismatch, folderBusy } from '../conversations.ts'
import { type FolderRules, findFolder } from '../folders.ts'
import type { EventLog } from '../log/log.ts'
import type { Watch } from '../log/reader.ts'
import type { Begun, Clock, Conversation, Run, RunOptions, Store } from '../ports.ts'
import type { Host } from './host.ts'

export interface RunsDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly rules: FolderRules
  readonly host: Host
  readonly newRunId: () => RunId
  /** Refuses what this operator does not let clients ask for. */
  readonly check: (options: RunOptions, folder: Folder) => void
}

export interface StreamRequest {
  readonly name: ConversationId
  readonly cwd: string
  readonly group: string | undefined
  /** Absent or blank: attach. */
  readonly text: string | undefined
  readonly options: RunOptions
  /** The number of the last event the reader has; undefined has none. */
  readonly lastEventId: number | undefined
}

/** What the reader is to be sent, and the conversation as it is now. */
export interface Stream {
  readonly conversation: Conversation
  readonly watch: Watch
}

export type Runs = ReturnType<typeof createRuns>

/** Starting runs and attaching to them: what `POST /v1/agent/stream` means. */
export function createRuns({ store, events, clock, rules, host, newRunId, check }: RunsDeps) {
  return {
    async stream(request: StreamRequest): Promise<Stream> {
      const folder = await findFolder(request.cwd, rules)
      const known = await store.resolve(request.name)
      if (known && known.conversation.folder !== folder)
        throw cwdMismatch(request.name, known.conversation.folder, folder)
      const text = request.text?.trim() ? request.text : undefined
      if (text === undefined) return attach(request, known?.conversation ?? (await store.canonical(folder)))
      return start(request, folder, text)
    },

    /** The options, if a client may ask for them in the folder that `cwd` means. */
    async checked(options: RunOptions, cwd: string): Promise<RunOptions> {
      check(options, await findFolder(cwd, rules))
      return options
    },
  }

  async function start(request: StreamRequest, folder: Folder, text: string): Promise<Stream> {
    check(request.options, folder)
    const begun = await begin(request, folder, text)
    if (begun.status === 'elsewhere') throw cwdMismatch(request.name, begun.folder, folder)
    if (begun.status === 'busy') return joinOrRefuse(request, folder, text, begun.run)
    host.launch(begun.run, begun.conversation)
    return watchRun(begun.run, begun.conversation, Math.min(request.lastEventId ?? 0, begun.run.first - 1))
  }

  /** Stores the run. A run that only waits for its background tasks makes way. */
  async function begin(request: StreamRequest, folder: Folder, text: string): Promise<Begun> {
    const at = clock.now()
    const input = {
      id: newRunId(),
      name: request.name,
      folder,
      cwd: request.cwd,
      group: request.group,
      begunBy: 'client' as const,
      text,
      options: request.options,
      line: toLine(promptEvent(text, new Date(at).toISOString())),
      at,
    }
    if (host.mayAcceptRuns) {
      await host.endSettling(folder)
      const begun = await events.begin(input)
      // It may have begun to settle while we asked.
      if (begun.status !== 'busy' || !(await host.endSettling(folder))) return begun
      return events.begin(input)
    }
    throw new AppError('shutting_down', 'The service is stopping; no new runs are accepted.')
  }

  /** The same prompt again joins its run; any other has to wait. */
  async function joinOrRefuse(request: StreamRequest, folder: Folder, text: string, run: Run): Promise<Stream> {
    const named = (await store.resolve(request.name))?.conversation ?? (await store.canonical(folder))
    if (named?.id === run.conversation && run.text.trim() === text.trim())
      return watchRun(run, named, request.lastEventId ?? 0)
    if (request.name === run.conversation) throw alreadyRunning(run.conversation)
    throw folderBusy(folder)
  }

  async function attach(request: StreamRequest, conversation: Conversation | undefined): Promise<Stream> {
    const open = conversation && (await store.openRun(conversation.folder))
    if (conversation && open?.conversation === conversation.id)
      return watchRun(open, conversation, request.lastEventId ?? 0)
    // The run has just ended: what the reader misses is still there.
    const now = conversation && (await store.conversation(conversation.id))
    if (now && request.lastEventId !== undefined && request.lastEventId < now.head) {
      return {
        conversation: now,
        watch: { conversation: now.id, after: request.lastEventId, until: { last: now.head } },
      }
    }
    throw new AppError('bad_request', 'text required to start a new run.')
  }

  /** A cursor beyond the end comes from another conversation: it counts as the end. */
  async function watchRun(run: Run, conversation: Conversation, lastEventId: number): Promise<Stream> {
    const watch = { conversation: run.conversation, until: { run: run.id } }
    if (conversation.id === run.conversation && lastEventId <= conversation.head)
      return { conversation, watch: { ...watch, after: lastEventId } }
    const head = (await store.conversation(run.conversation))?.head ?? conversation.head
    return { conversation, watch: { ...watch, after: Math.min(lastEventId, head) } }
  }
}
