import { AppError } from '@claude-proxy/protocol/errors'
import { promptEvent, queueEvent } from '@claude-proxy/protocol/events'
import { type ConversationId, type Folder, promptUuid, type RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { alreadyRunning, conversationUnknown, cwdMismatch, folderBusy } from '../conversations.ts'
import type { Attachments } from '../attachments/attachments.ts'
import type { Budget } from '../budget.ts'
import { attachmentMarks } from '../attachments/marks.ts'
import { type GivenAttachment, isSame, type Received } from '../attachments/received.ts'
import { type FolderRules, findFolder } from '../folders.ts'
import type { EventLog } from '../log/log.ts'
import type { Watch } from '../log/reader.ts'
import type { Added, NewPrompt, Prompt } from '../ports/prompt.ts'
import type { Begun, Repeated, RequestKey, Run, RunOptions } from '../ports/run.ts'
import type { Clock } from '../ports/outside.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { Store } from '../ports/store.ts'
import type { Host } from './host.ts'
import { mayLead } from './options.ts'
import type { Queue } from './queue.ts'
import { digestOf } from './requests.ts'
import { timestamp } from '../timestamp.ts'

export interface RunsDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly rules: FolderRules
  readonly host: Host
  readonly queue: Queue
  readonly attachments: Attachments
  readonly budget: Budget
  readonly newRunId: () => RunId
  /** Refuses what this operator does not let clients ask for. */
  readonly check: (options: RunOptions, folder: Folder) => void
}

export interface StreamRequest {
  readonly name: ConversationId
  /** `name` is the conversation itself, whatever its folder's canonical one is. */
  readonly isOwn?: boolean
  readonly cwd: string
  readonly group: string | undefined
  /** Absent or blank: attach, unless something came with it. */
  readonly text: string | undefined
  readonly attachments?: readonly GivenAttachment[] | undefined
  readonly options: RunOptions
  /** The number of the last event the reader has; undefined has none. */
  readonly lastEventId: number | undefined
  /** What a prompt wants when its folder is busy. */
  readonly whenBusy: 'reject' | 'queue' | 'steer' | 'interrupt'
  /** By what the client knows the request again. */
  readonly key: string | undefined
  /** Whether whoever sends it may decide what the agent would ask a person for. */
  readonly mayDecide?: boolean
}

/** A prompt that is to be begun, or to wait. */
interface NewRequest extends Omit<StreamRequest, 'text' | 'attachments'> {
  readonly text: string
  readonly received: Received
}

/** A prompt, and what is asked of its run. */
export interface Prompted extends Pick<StreamRequest, 'attachments' | 'options' | 'whenBusy' | 'key' | 'mayDecide'> {
  readonly text: string
}

/** What has become of the request. `repeated`: it came before, and this is what it came to then. */
export type Outcome = 'begun' | 'attached' | 'queued' | 'steering' | 'repeated'

/** What the reader is to be sent, and the conversation as it is now. */
export interface Stream {
  readonly conversation: Conversation
  readonly watch: Watch
  readonly outcome: Outcome
}

export type Runs = ReturnType<typeof createRuns>

/** Starting runs and attaching to them: what `POST /v1/agent/stream` means. */
export function createRuns({
  store,
  events,
  clock,
  rules,
  host,
  queue,
  attachments,
  budget,
  newRunId,
  check,
}: RunsDeps) {
  return {
    async stream(request: StreamRequest): Promise<Stream> {
      const known = await store.resolve(request.name)
      const text = request.text?.trim() ? request.text : undefined
      const isPrompt = text !== undefined || (request.attachments?.length ?? 0) > 0
      // Who attaches only reads: a folder that is away for a moment, or that the agent has moved, keeps nobody from it.
      if (!isPrompt && known?.conversation.cwd === request.cwd) return attach(request, known.conversation)
      const folder = await findFolder(request.cwd, rules)
      if (known && known.conversation.folder !== folder)
        throw cwdMismatch(request.name, known.conversation.folder, folder)
      if (!isPrompt) return attach(request, known?.conversation ?? (await store.canonical(folder)))
      return start({ ...request, text: text ?? '' }, folder)
    },

    /** A prompt for the conversation of this very id. */
    async send(id: ConversationId, prompt: Prompted): Promise<Stream> {
      const conversation = await store.conversation(id)
      if (!conversation) throw conversationUnknown(id)
      const folder = await findFolder(conversation.folder, rules)
      const { cwd, group } = conversation
      return start({ ...prompt, name: id, isOwn: true, cwd, group, lastEventId: undefined }, folder)
    },

    /** The options, if a client may ask for them in the folder that `cwd` means. */
    async checked(options: RunOptions, cwd: string): Promise<RunOptions> {
      check(options, await findFolder(cwd, rules))
      return options
    },
  }

  async function start(asked: StreamRequest & { readonly text: string }, folder: Folder): Promise<Stream> {
    check(asked.options, folder)
    const { attachments: given, ...rest } = asked
    const request: NewRequest = { ...rest, received: await attachments.receive(given) }
    const key = await keyOf(request, folder)
    const known = key && (await store.requestOf(folder, key))
    if (known) return again(request, known)
    return attachments.whileKept(request.received, () => beginOrWait(request, folder, key))
  }

  async function beginOrWait(request: NewRequest, folder: Folder, key: RequestKey | undefined): Promise<Stream> {
    const begun = await begin(request, folder, key)
    if (begun.status === 'elsewhere') throw cwdMismatch(request.name, begun.folder, folder)
    if (begun.status === 'busy') return whenBusy(request, folder, key, begun.run)
    if (begun.status === 'waiting') return whenBusy(request, folder, key, undefined)
    if (begun.status !== 'begun') return again(request, begun)
    host.launch(begun.run, begun.conversation)
    const after = Math.min(request.lastEventId ?? beginningFor(request, begun.run), begun.run.first - 1)
    return watchRun(begun.run, begun.conversation, after, 'begun')
  }

  /** After which event somebody is told of a run who has not said what they have. */
  function beginningFor({ isOwn }: NewRequest, run: Run): number {
    // The stream of a folder begins with all that there is; who has sent a prompt is told what comes of it.
    return isOwn === true ? run.first - 1 : 0
  }

  /** Stores the run. A run that only waits for its background tasks makes way. */
  async function begin(request: NewRequest, folder: Folder, key: RequestKey | undefined): Promise<Begun> {
    const at = clock.now()
    const marks = attachmentMarks(request.received.attachments)
    const asked = inputOf(request, folder, key, at)
    const line = toLine(promptEvent(request.text, timestamp(at), { ...marks, uuid: promptUuid(asked.id) }))
    const input = { ...asked, begunBy: 'client' as const, line }
    if (host.mayAcceptRuns) {
      await host.endSettling(folder)
      // Who joins a run, or waits behind one, begins nothing.
      if (!(await store.openRun(folder))) await budget.check()
      const begun = await events.begin(input)
      // It may have begun to settle while we asked.
      if (begun.status !== 'busy' || !(await host.endSettling(folder))) return begun
      return events.begin(input)
    }
    throw new AppError('shutting_down', 'The service is stopping; no new runs are accepted.')
  }

  function inputOf(request: NewRequest, folder: Folder, key: RequestKey | undefined, at: number) {
    const { name, isOwn = false, cwd, group, text, received, options } = request
    const brought = received.attachments.length === 0 ? undefined : received.attachments
    return { id: newRunId(), name, isOwn, folder, cwd, group, text, attachments: brought, options, at, key }
  }

  /** Does what the prompt wants when it cannot begin. `run`: what is open; none when others wait for their turn. */
  async function whenBusy(
    request: NewRequest,
    folder: Folder,
    key: RequestKey | undefined,
    run: Run | undefined,
  ): Promise<Stream> {
    if (request.whenBusy === 'reject') return joinOrRefuse(request, folder, key, run)
    const input = inputOf(request, folder, key, clock.now())
    if (request.whenBusy === 'interrupt') {
      const added = await events.addPrompt(queued(input, true))
      // What it came to is stored before anything is stopped for it.
      if (added.status === 'added' && run) await host.interrupt(run, 'Interrupted by a new prompt.')
      return wait(request, folder, added)
    }
    const isWanted = request.whenBusy === 'steer' && run !== undefined && (await leadsTo(request, folder, run))
    if (isWanted && mayLead(request, run) && host.isSteerable(run, input.attachments)) {
      const added = await events.addPrompt({ ...input, into: run.id, line: steering(input) })
      if (added.status === 'added') await queue.handOver(added.prompt, run.id)
      // Closed: it has ended meanwhile, or is being stopped.
      if (added.status !== 'closed') return wait(request, folder, added)
    }
    return wait(request, folder, await events.addPrompt(queued(input)))
  }

  function queued(input: Omit<NewPrompt, 'line'>, isFirst = false): NewPrompt {
    const told = { text: input.text, ...attachmentMarks(input.attachments), ...(isFirst && { first: true }) }
    return { ...input, isFirst, line: toLine(queueEvent('prompt_queued', input.id, timestamp(input.at), told)) }
  }

  function steering({ id, text, attachments: brought, at }: Omit<NewPrompt, 'line'>): string {
    const marks = { prompt_id: id, steer: true as const, ...attachmentMarks(brought) }
    return toLine(promptEvent(text, timestamp(at), marks))
  }

  /** The prompt is kept: its reader waits for what becomes of it. */
  async function wait(request: NewRequest, folder: Folder, added: Added): Promise<Stream> {
    if (added.status === 'elsewhere') throw cwdMismatch(request.name, added.folder, folder)
    if (added.status === 'full') throw new AppError('queue_full', 'Too many prompts wait for this folder already.')
    // Only what is to steer a run can find it closed.
    if (added.status === 'closed') throw new Error('a prompt could not be queued')
    if (added.status !== 'added') return again(request, added)
    // The folder may have become free while we asked.
    void queue.serve(folder)
    const now = (await store.prompt(added.prompt.id)) ?? added.prompt
    const outcome = now.state === 'steering' || now.state === 'steered' ? 'steering' : 'queued'
    const before = added.prompt.first - 1
    return watchPrompt(added.prompt, added.conversation, Math.min(request.lastEventId ?? before, before), outcome)
  }

  /** The same prompt again joins its run; any other has to wait. */
  async function joinOrRefuse(
    request: NewRequest,
    folder: Folder,
    key: RequestKey | undefined,
    run: Run | undefined,
  ): Promise<Stream> {
    const { text, received } = request
    const named = await conversationOf(request, folder)
    const isThat = run?.text.trim() === text.trim() && isSame(run.attachments, received.attachments)
    if (run && named?.id === run.conversation && isThat) {
      if (key) await store.rememberRequest({ folder, key, run: run.id, at: clock.now() })
      return watchRun(run, named, request.lastEventId ?? beginningFor(request, run), 'attached')
    }
    if (request.name === run?.conversation) throw alreadyRunning(run.conversation)
    throw folderBusy(folder)
  }

  async function leadsTo(request: NewRequest, folder: Folder, run: Run): Promise<boolean> {
    return (await conversationOf(request, folder))?.id === run.conversation
  }

  /** What the request's name stands for, or would if it began a run. */
  async function conversationOf({ name, isOwn }: NewRequest, folder: Folder): Promise<Conversation | undefined> {
    if (isOwn) return store.conversation(name)
    return (await store.resolve(name))?.conversation ?? store.canonical(folder)
  }

  async function keyOf(request: NewRequest, folder: Folder): Promise<RequestKey | undefined> {
    const { key, name, group, text, received, options, whenBusy: wants } = request
    if (key === undefined) return undefined
    const brought = received.attachments.map(({ digest, name: called }) => [digest, called])
    // Requests without any have the digest that they always had.
    const asked = [name, folder, group, text, options, wants, ...(brought.length === 0 ? [] : [brought])]
    return { key, digest: await digestOf(asked) }
  }

  /** The request has come before: what it came to, from there on. */
  async function again(request: NewRequest, known: Repeated): Promise<Stream> {
    if (known.status === 'reused')
      throw new AppError('idempotency_key_reused', 'This key was used for another request; take a new one.')
    const found = (await store.run(known.run)) ?? (await store.prompt(known.run))
    const conversation = found && (await store.conversation(found.conversation))
    if (!found || !conversation) throw new AppError('conversation_unknown', 'What this key began was deleted.')
    const after = Math.min(request.lastEventId ?? found.first - 1, conversation.head)
    return watchPrompt(found, conversation, after, 'repeated')
  }

  async function attach(request: StreamRequest, conversation: Conversation | undefined): Promise<Stream> {
    const open = conversation && (await store.openRun(conversation.folder))
    if (conversation && open?.conversation === conversation.id)
      return watchRun(open, conversation, request.lastEventId ?? 0, 'attached')
    // The run has just ended: what the reader misses is still there.
    const now = conversation && (await store.conversation(conversation.id))
    if (now && request.lastEventId !== undefined && request.lastEventId < now.head) {
      return {
        conversation: now,
        outcome: 'attached',
        watch: { conversation: now.id, after: request.lastEventId, until: { last: now.head } },
      }
    }
    throw new AppError('bad_request', 'text required to start a new run.')
  }

  /** A cursor beyond the end comes from another conversation: it counts as the end. */
  async function watchRun(
    run: Run,
    conversation: Conversation,
    lastEventId: number,
    outcome: Outcome,
  ): Promise<Stream> {
    if (conversation.id === run.conversation && lastEventId <= conversation.head)
      return watchPrompt(run, conversation, lastEventId, outcome)
    const head = (await store.conversation(run.conversation))?.head ?? conversation.head
    return watchPrompt(run, conversation, Math.min(lastEventId, head), outcome)
  }

  function watchPrompt(of: Run | Prompt, conversation: Conversation, after: number, outcome: Outcome): Stream {
    return { conversation, outcome, watch: { conversation: of.conversation, after, until: { run: of.id } } }
  }
}
