import { randomUUID } from 'node:crypto'
import type { Options } from '@anthropic-ai/claude-agent-sdk'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import type { RateLimit } from '../../core/ports/account.ts'
import type { AgentProcess, Rewound } from '../../core/ports/agent.ts'
import type { Clock, Log } from '../../core/ports/outside.ts'
import type { Adjusted, Adjustments } from '../../core/ports/settings.ts'
import type { RunOptions } from '../../core/ports/run.ts'
import { factsOf } from './facts.ts'
import type { Launch } from './launch.ts'
import type { AgentMessage } from './normalise.ts'
import type { Marks } from './mark.ts'
import { type ClaudeProcess, startProcess } from './process.ts'
import { residentBytes } from './process-tree.ts'
import { questionsTo } from './questions.ts'
import { Tuner, type Tuning } from './tuner.ts'
import type { Turn } from './turn.ts'

export interface SessionHooks {
  /** The agent, at rest, has begun to work; it waits until somebody takes its turn. */
  readonly onWake: (session: Session) => void
  /** The run is over and the process is at rest. */
  readonly onRest: (session: Session) => void
  /** The agent does not have the session it should resume; `turn` waits for another process. */
  readonly onSessionMissing: (session: Session, turn: Turn) => void
  /** It was told how near its account is to a limit. */
  readonly onRateLimit: (limit: RateLimit) => void
}

export interface SessionOptions {
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly launch: Launch
  readonly runOptions: RunOptions
  /** An existing session to resume; undefined begins a new one. */
  readonly resume: string | undefined
  /** The entry of that session which is to be its last; undefined for all of it. */
  readonly resumeAt: string | undefined
  /** Somebody waits for it to start: it is not at rest before `begin` or `release`. */
  readonly isReserved: boolean
  readonly clock: Clock
  readonly log: Log
  readonly settleMs: number
  readonly marks: Marks
  readonly hooks: SessionHooks
}

/** What a resting agent says before it begins a turn is kept for that turn, but not without end. */
const KEPT_AT_REST = 1000
/** How long an interrupt may take before the process is closed. */
const INTERRUPT_MS = 3000
/** How long putting files back may take. */
const REWIND_MS = 60_000
const NO_CHECKPOINT = 'The agent does not know how the files were then.'
const CLOSED = 'The agent process was closed.'
/** How long the process may say nothing at all when it has been given a turn. */
const SILENT_MS = 60_000

/**
 * A Claude Code process and whose turn it is. It outlives runs: at rest it is warm, and takes the next prompt.
 *
 *   at rest   no turn; what it says is kept for the next one
 *   working   a turn takes its messages
 *   waking    it works, but nobody has taken its turn yet
 *   gone      the process has ended or is being ended
 */
export class Session {
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly launch: Launch
  /** The options of the last run: what it begins by itself runs under them. */
  runOptions: RunOptions
  sessionId: string
  restingSince: number
  readonly #options: SessionOptions
  readonly #tuner: Tuner
  #process: ClaudeProcess | undefined
  #turn: Turn | undefined
  #waking = false
  #closing = false
  #isReserved: boolean
  /** Its background agents were stopped after its last turn: that news wakes it, and nobody wants to hear it. */
  #isStopped = false
  /** Since it was given its turn. */
  #hasSpoken = false
  /** Why it is gone, in its own words. */
  #goneBecause: string | undefined
  /** It says so when it changes, and not to each turn. */
  #rateLimit: RateLimit | undefined
  readonly #started = Promise.withResolvers<void>()
  readonly #ready = Promise.withResolvers<void>()
  #kept: AgentMessage[] = []
  #backgroundAgents: string[] = []
  #taken = Promise.withResolvers<Turn>()
  readonly #closed = Promise.withResolvers<void>()

  constructor(options: SessionOptions) {
    this.#options = options
    this.conversation = options.conversation
    this.folder = options.folder
    this.launch = options.launch
    this.#isReserved = options.isReserved
    this.#tuner = new Tuner(options.launch.tuning)
    this.runOptions = options.runOptions
    this.sessionId = options.resume ?? randomUUID()
    this.restingSince = options.clock.now()
  }

  get isAtRest(): boolean {
    return !this.#turn && !this.#waking && !this.#isReserved && !this.isGone
  }

  /** Nobody has its turn, whatever it does. */
  get isIdle(): boolean {
    return !this.#turn && !this.#isReserved && !this.isGone
  }

  /** It works, and nobody has taken its turn. */
  get isWaking(): boolean {
    return this.#waking && !this.#turn
  }

  get isGone(): boolean {
    return this.#closing
  }

  /** Resolves when the process has started up, or is gone. */
  get ready(): Promise<void> {
    return Promise.race([this.#ready.promise, this.closed])
  }

  /** Resolves when the process, and all it began, are gone. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** The memory the process holds. */
  async memoryBytes(): Promise<number> {
    const identity = await this.#process?.identity
    return identity ? residentBytes(identity) : 0
  }

  /** Starts the process and says who it is. */
  async start(): Promise<AgentProcess | undefined> {
    const { resume, resumeAt } = this.#options
    const resumes = resume !== undefined
    const begins = !resumes && this.runOptions.continueConversation === true
    const options: Options = {
      ...this.launch.options,
      ...(resumes
        ? { resume: this.sessionId, ...(resumeAt !== undefined && { resumeSessionAt: resumeAt }) }
        : begins
          ? { continue: true }
          : { sessionId: this.sessionId }),
      ...questionsTo(async () => this.#turn ?? this.#taken.promise, { elicits: this.launch.elicits }),
    }
    this.#process = await startProcess(options, this.#options.marks, {
      onMessage: (message) => this.#onMessage(message),
      onGone: (why) => this.#onGone(why),
    })
    void this.#process.ready.then(() => this.#ready.resolve())
    return this.#process.identity
  }

  /** It can be given turns now. */
  noteStarted(): void {
    this.#started.resolve()
  }

  /** Resolves when it can be given turns, or is gone. */
  get started(): Promise<void> {
    return Promise.race([this.#started.promise, this.closed])
  }

  /** Changes what the process works with, as far as that can be done while it lives. */
  async adjust(changes: Adjustments): Promise<Adjusted> {
    const process = this.#process
    if (!process || this.isGone) return { taken: [], facts: {}, before: {} }
    const { applied, before } = await this.#tuner.adjust(process, changes)
    const { model, effort } = await process.applied()
    const isEffortLater = applied.includes('effort') && effort !== null
    const facts = {
      permissionMode: this.#tuner.now.permissionMode,
      ...(applied.includes('model') && model !== undefined && { model }),
      ...(effort !== undefined && !isEffortLater && { effort }),
    }
    // A turn that is under way keeps its effort.
    return { taken: applied.filter((name) => name !== 'effort'), facts, before }
  }

  /** Makes the process work with this from its next turn on. False: that takes another process. */
  async tune({ model, effort, permissionMode }: Tuning): Promise<boolean> {
    const process = this.#process
    if (!process || this.isGone) return false
    try {
      const { applied } = await this.#tuner.adjust(process, {
        model: model ?? null,
        effort: effort ?? null,
        permissionMode,
      })
      return applied.length === 3 && !this.isGone
    } catch (error) {
      // The next process says why, as the end of the run.
      this.#options.log.info('a warm process could not be changed', { conversation: this.conversation, error })
      return false
    }
  }

  /** Nobody waits for it any more. */
  release(): void {
    this.#isReserved = false
  }

  /** Gives the process its next turn: `turn`'s prompt, or what it has begun by itself. */
  begin(turn: Turn): void {
    if (this.isGone) return turn.died(this.#goneBecause ?? CLOSED)
    this.#turn = turn
    this.#isReserved = false
    this.#waking = false
    this.#isStopped = false
    this.runOptions = turn.job.options
    turn.useSession(this.sessionId)
    turn.attach({
      interrupt: () => this.#interrupt(turn),
      steer: (text, uuid, attached) => this.#process?.prompt(text, uuid, attached),
      backgroundAgents: () => this.#backgroundAgents.length,
      stopBackgroundAgents: () => this.#stopBackgroundAgents(),
      sessionMissing: () => this.#loseSession(turn),
      ended: () => this.#rest(turn),
    })
    this.#taken.resolve(turn)
    if (this.#rateLimit) turn.note({ rateLimit: this.#rateLimit })
    for (const message of this.#kept.splice(0)) turn.take(message)
    if (turn.promptUuid !== undefined) this.#prompt(turn, turn.promptUuid)
  }

  /** Puts files back as they were at a prompt. The process has to be at rest. */
  async rewind(prompt: string, isDryRun: boolean): Promise<Rewound> {
    // Whoever waits for the folder is not kept for ever.
    const watchdog = setTimeout(() => void this.close(), REWIND_MS)
    try {
      await this.ready
      // What was done is told only of what would be done.
      const would = await this.#process?.rewind(prompt, { dryRun: true })
      const did = isDryRun || !would?.canRewind ? would : await this.#process?.rewind(prompt, { dryRun: false })
      if (!would?.canRewind || !did?.canRewind) return { status: 'no_checkpoint', why: did?.error ?? NO_CHECKPOINT }
      const { filesChanged: files = [], insertions = 0, deletions = 0 } = would
      return { status: 'rewound', changes: { files, insertions, deletions } }
    } finally {
      clearTimeout(watchdog)
    }
  }

  /** Ends the process, whatever it does. A turn that is under way ends with an error. */
  close({ atOnce = false } = {}): Promise<void> {
    if (!this.#closing) {
      this.#closing = true
      this.#turn?.died(CLOSED)
      void this.#end(atOnce)
    }
    return this.closed
  }

  async #end(atOnce: boolean): Promise<void> {
    try {
      await this.#process?.close({ atOnce })
    } catch (error) {
      this.#options.log.error('an agent process could not be ended', { conversation: this.conversation, error })
    }
    this.#closed.resolve()
  }

  #prompt(turn: Turn, uuid: string): void {
    this.#hasSpoken = false
    this.#process?.prompt(turn.job.text, uuid, turn.job.attached)
    const watchdog = setTimeout(() => {
      if (this.#turn !== turn || this.#hasSpoken) return
      turn.died(`The agent has said nothing for ${SILENT_MS / 1000} s after its prompt.`)
      void this.close()
    }, SILENT_MS)
    watchdog.unref()
  }

  #onMessage(message: AgentMessage): void {
    this.#hasSpoken = true
    if (typeof message['session_id'] === 'string') this.sessionId = message['session_id']
    if (message.type === 'system' && message.subtype === 'background_tasks_changed') this.#countTasks(message['tasks'])
    this.#noteSelf(message)
    if (this.#tuner.isEcho(message)) return
    if (this.#turn) {
      this.#turn.take(message)
      return
    }
    // Half a text is of no use to a turn that comes later.
    if (this.#kept.length < KEPT_AT_REST && message.type !== 'stream_event') this.#kept.push(message)
    if (!beginsTurn(message) || this.#waking || this.isGone) return
    if (this.#isStopped) void this.close()
    else {
      this.#waking = true
      this.#options.hooks.onWake(this)
    }
  }

  /** What the message says of the process itself. */
  #noteSelf(message: AgentMessage): void {
    if (message.type === 'rate_limit_event') this.#noteRateLimit(message)
    if (message.type !== 'system') return
    const turn = this.#turn
    const mode = message['permissionMode']
    if (message.subtype === 'status' && typeof mode === 'string') {
      const from = this.#tuner.noteMode(mode)
      if (from !== undefined) turn?.noteMode(from, mode)
    }
    // It does not say it by itself.
    if (message.subtype === 'init')
      void this.#process?.applied().then(({ effort }) => turn?.note(effort === undefined ? {} : { effort }))
  }

  #noteRateLimit(message: AgentMessage): void {
    const { rateLimit } = factsOf(message, undefined)
    if (!rateLimit) return
    this.#rateLimit = rateLimit
    this.#options.hooks.onRateLimit(rateLimit)
  }

  #onGone(why: string): void {
    const turn = this.#turn
    this.#turn = undefined
    this.#goneBecause ??= why
    turn?.died(why)
    // What it began may have outlived it.
    void this.close()
  }

  /** The turn has ended. What the process says from now on belongs to the next. */
  #rest(turn: Turn): void {
    if (this.#turn !== turn) return
    this.#turn = undefined
    this.#taken = Promise.withResolvers()
    this.restingSince = this.#options.clock.now()
    // It would begin with what it has not taken: that is another run's now.
    if (turn.leavesNothing) void this.close({ atOnce: turn.hasUntaken })
    if (!this.isGone) this.#options.hooks.onRest(this)
  }

  #interrupt(turn: Turn): void {
    this.#process?.interrupt().catch((error: unknown) => {
      this.#options.log.warn('the agent did not take an interrupt', { conversation: this.conversation, error })
    })
    setTimeout(() => {
      if (!turn.ended) void this.close()
    }, INTERRUPT_MS).unref()
  }

  #loseSession(turn: Turn): void {
    this.#turn = undefined
    this.#options.hooks.onSessionMissing(this, turn)
  }

  #countTasks(tasks: unknown): void {
    const list: { task_id?: unknown; task_type?: unknown; ambient?: unknown }[] = Array.isArray(tasks) ? tasks : []
    const agents = list.filter((task) => !task.ambient && WAITED_FOR.test(String(task.task_type)))
    this.#backgroundAgents = agents.map((task) => String(task.task_id))
  }

  #stopBackgroundAgents(): void {
    this.#isStopped = true
    for (const task of this.#backgroundAgents) {
      this.#process?.stopTask(task).catch((error: unknown) => {
        this.#options.log.warn('a background agent could not be stopped', { conversation: this.conversation, error })
      })
    }
  }
}

/** Kinds of background task that belong to the answer. A shell does not: a server may run in it for ever. */
const WAITED_FOR = /agent|workflow/

function beginsTurn(message: AgentMessage): boolean {
  if (message.type === 'assistant') return true
  if (message.type !== 'system') return false
  return message.subtype === 'init' || (message.subtype === 'session_state_changed' && message['state'] === 'running')
}
