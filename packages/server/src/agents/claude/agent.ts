import { AppError } from '@claude-proxy/protocol/errors'
import { errorResult } from '@claude-proxy/protocol/events'
import { type ConversationId, type Folder, promptUuid, type RunId, steeringUuid } from '@claude-proxy/protocol/ids'
import type { Agent, Job, Preparation, Wake, Work } from '../../core/ports/agent.ts'
import type { Metrics } from '../../core/ports/metrics.ts'
import type { Clock, Log } from '../../core/ports/outside.ts'
import type { Store } from '../../core/ports/store.ts'
import { createAdmission } from './admission.ts'
import { findBinary, NO_BINARY } from './binary.ts'
import { configDirectory, hasCredentials, NO_CREDENTIALS } from './environment.ts'
import { notLoadedEvent } from './folder-settings.ts'
import { expectUnmoved, type Launch, type LaunchContext, prepareLaunch } from './launch.ts'
import type { Marks } from './mark.ts'
import { Session } from './session.ts'
import { createClaudeSessions, grownEvent } from './sessions.ts'
import { Turn } from './turn.ts'
import { timestamp } from '../../core/timestamp.ts'

export interface ClaudeAgentOptions extends LaunchContext {
  readonly clock: Clock
  readonly log: Log
  /** Where the living processes are written down, for the start after a crash. */
  readonly processes: Pick<Store, 'addProcess' | 'removeProcess'>
  readonly platform: NodeJS.Platform
  /** How what agents begin is found again. */
  readonly marks: Marks
  /** How many processes may start at once: a start is all CPU. */
  readonly startsAtOnce: number
  /** How many processes may live at once, working or warm. */
  readonly maxProcesses: number
  /** How many processes may be warm, and for how long. 0 keeps none. */
  readonly maxWarm: number
  readonly warmMs: number
  /** A process that has grown larger is not kept warm. */
  readonly warmBytes: number
  /** How long a run waits for its background agents. */
  readonly settleMs: number
  readonly metrics: Metrics
}

interface Start extends Omit<Preparation, 'sessionId'> {
  readonly launch: Launch
  readonly resume: string | undefined
  /** The run it is started for, if there is one yet. */
  readonly run?: RunId
  /** Nobody waits for it yet. */
  readonly isSpare?: boolean
}

/** The real Claude Code, through the official Agent SDK: one process a conversation, kept warm between runs. */
export function createClaudeAgent(options: ClaudeAgentOptions): Agent {
  const { clock, log, processes } = options
  const sessions = new Map<ConversationId, Session>()
  const living = new Set<Session>()
  const preparing = new Set<ConversationId>()
  const pids = new Set<number>()
  const transcripts = createClaudeSessions({
    configDirectory: configDirectory(options.environment),
    clock,
    log,
    isOurs: (pid) => pids.has(pid),
  })
  const starts = createAdmission(options.startsAtOnce)
  const places = createAdmission(options.maxProcesses)
  let onWake: (wake: Wake) => void = () => {}
  let closed = false

  return {
    name: 'claude',

    async unready() {
      if (!(await hasCredentials(options.environment, options.platform))) return NO_CREDENTIALS
      return (await findBinary()) === undefined ? NO_BINARY : undefined
    },

    work(job) {
      const begun = performance.now()
      const turn: Turn = new Turn({
        job,
        clock,
        promptUuid: promptUuid(job.run),
        settleMs: options.settleMs,
        onBegun: () => options.metrics.agentBegan(turn.isWarm ? 'warm' : 'cold', performance.now() - begun),
      })
      void serve(turn).catch((error: unknown) => {
        log.error('a run could not be started', { run: job.run, error })
        turn.end(failure(error instanceof Error ? error.message : String(error)))
      })
      return turn
    },

    onWake(listener) {
      onWake = listener
    },

    prepare(preparation) {
      makeReady(preparation).catch((error: unknown) => {
        log.warn('no process could be made ready', { conversation: preparation.conversation, error })
      })
    },

    endBackground(conversation) {
      const session = sessions.get(conversation)
      if (!session?.isIdle) return false
      void session.close()
      return true
    },

    async rewind({ conversation, folder, sessionId, prompt, isDryRun }) {
      const warm = sessions.get(conversation)
      await warm?.started
      if (warm?.isAtRest && warm.sessionId === sessionId) return warm.rewind(prompt, isDryRun)
      await warm?.close()
      evictFor(conversation)
      const launch = await prepareLaunch({}, folder, options)
      const session = await start({ conversation, folder, options: {}, launch, resume: sessionId }, () => true)
      if (!session) throw new AppError('shutting_down', 'The service is stopping.')
      try {
        return await session.rewind(prompt, isDryRun)
      } catch (error) {
        log.warn('an agent could not put files back', { conversation, error })
        return { status: 'no_checkpoint', why: 'The agent could not take up its session again.' }
      } finally {
        await session.close()
      }
    },

    sessions: transcripts,

    async adjust(conversation, changes) {
      const session = sessions.get(conversation)
      await session?.ready
      return (await session?.adjust(changes)) ?? { taken: [], facts: {}, before: {} }
    },

    async load() {
      const sizes = await Promise.all([...living].map((session) => session.memoryBytes()))
      const atRest = resting().length
      return { working: living.size - atRest, resting: atRest, bytes: sizes.reduce((sum, size) => sum + size, 0) }
    },

    async close() {
      closed = true
      await Promise.all([...living].map((session) => session.close()))
    },
  }

  /** Finds or starts the process for the turn and gives it the prompt. */
  async function serve(turn: Turn): Promise<void> {
    const { job } = turn
    const launch = await prepareLaunch(job.options, job.folder, options)
    if (launch.notLoaded.length > 0) tellNotLoaded(turn, launch)
    await leaveFolderTo(job)
    const warm = sessions.get(job.conversation)
    await warm?.started
    const isBehind = await tellUnseen(turn)
    if (warm && !isBehind && fits(warm, job, launch) && (await warm.tune(launch.tuning))) {
      turn.isWarm = true
      if (!turn.ended) warm.begin(turn)
      return
    }
    await warm?.close()
    await serveCold(turn, launch, job.sessionId)
  }

  async function serveCold(turn: Turn, launch: Launch, resume: string | undefined): Promise<void> {
    const { conversation, folder, options: asked, run } = turn.job
    evictFor(conversation)
    const session = await start({ conversation, folder, options: asked, launch, resume, run }, () => !turn.ended)
    if (!session) turn.end(failure('The service is stopping.'))
    else if (!turn.ended) session.begin(turn)
    else {
      // Stopped while it started. The next turn may have it by now.
      session.release()
      if (session.isAtRest) await rest(session)
    }
  }

  /** Starts a process, as soon as there is a place for it; undefined when it is no longer wanted by then. */
  async function start(
    { conversation, folder, options: asked, launch, resume, run, isSpare = false }: Start,
    isWanted: () => boolean,
  ): Promise<Session | undefined> {
    const giveBack = await places.enter()
    const started = await starts.enter()
    if (!isWanted() || closed) {
      started()
      giveBack()
      return undefined
    }
    // Time has passed, perhaps much of it.
    await expectUnmoved(folder).catch((error: unknown) => {
      started()
      giveBack()
      throw error
    })
    const resumeAt = resume === undefined || run === undefined ? undefined : await beforeSteering(folder, resume, run)
    const session = new Session({
      conversation,
      folder,
      launch,
      runOptions: asked,
      resume,
      resumeAt,
      isReserved: !isSpare,
      clock,
      log,
      settleMs: options.settleMs,
      marks: options.marks,
      hooks: {
        onWake: (woken) => onWake(wakeOf(woken)),
        onRest: (rested) => void rest(rested),
        onRateLimit: (limit) => options.metrics.rateLimited(limit),
        onSessionMissing: (missing, lost) => void startAfresh(missing, lost, launch),
      },
    })
    sessions.set(conversation, session)
    living.add(session)
    void session.closed.then(() => {
      living.delete(session)
      if (sessions.get(conversation) === session) sessions.delete(conversation)
      giveBack()
    })
    void session.ready.then(started)
    try {
      const identity = await session.start()
      // Written down before it gets work: whatever it does, the next start can end it.
      if (identity) {
        pids.add(identity.pid)
        void session.closed.then(() => pids.delete(identity.pid))
        await processes.addProcess(identity)
        void session.closed.then(() => processes.removeProcess(identity)).catch(logFailure)
      }
      session.noteStarted()
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  /**
   * Where to resume for a prompt that was to steer a turn first, if the session has it: a process had begun with it when it
   * was ended, and it would be heard twice.
   */
  function beforeSteering(folder: Folder, session: string, run: RunId): Promise<string | undefined> {
    return transcripts.before(folder, session, steeringUuid(run)).catch((error: unknown) => {
      log.warn('a session could not be looked at', { session, error })
      return undefined
    })
  }

  /** Has a process ready for a prompt that may come. It takes nobody's place. */
  async function makeReady({ conversation, folder, options: asked, sessionId: resume }: Preparation): Promise<void> {
    const isRoom = resting().length < options.maxWarm && living.size < options.maxProcesses && starts.waiting === 0
    if (closed || !isRoom || sessions.has(conversation) || preparing.has(conversation)) return
    preparing.add(conversation)
    try {
      const launch = await prepareLaunch(asked, folder, options)
      const session = await start(
        { conversation, folder, options: asked, launch, resume, isSpare: true },
        () => !sessions.has(conversation),
      )
      if (session?.isAtRest) await rest(session)
    } finally {
      preparing.delete(conversation)
    }
  }

  function logFailure(error: unknown): void {
    log.error('a process could not be struck off the list', { error })
  }

  /** The agent has lost the session that should be resumed: a fresh one takes the prompt, and the reader is told. */
  async function startAfresh(missing: Session, turn: Turn, launch: Launch): Promise<void> {
    await missing.close()
    turn.tell({
      type: 'system',
      subtype: 'session_lost',
      lost_session_id: missing.sessionId,
      content: 'The agent no longer has the earlier conversation; it goes on without its memory of it.',
      timestamp: timestamp(clock.now()),
    })
    await serveCold(turn, launch, undefined).catch((error: unknown) => turn.end(failure(String(error))))
  }

  function fits(session: Session, job: Job, launch: Launch): boolean {
    if (session.isGone || session.launch.fingerprint !== launch.fingerprint) return false
    return job.sessionId === undefined ? job.options.continueConversation !== true : job.sessionId === session.sessionId
  }

  /** One conversation works in a folder: what others left running there in the background ends. */
  async function leaveFolderTo(job: Job): Promise<void> {
    const others = [...living].filter((each) => each.folder === job.folder && each.conversation !== job.conversation)
    await Promise.all(others.map((session) => session.close()))
  }

  /** Ends the process that has rested longest, if all places are taken. */
  function evictFor(conversation: ConversationId): void {
    if (living.size < options.maxProcesses) return
    const oldest = resting().find((session) => session.conversation !== conversation)
    void oldest?.close()
  }

  function resting(): Session[] {
    return [...living].filter((session) => session.isAtRest).sort((a, b) => a.restingSince - b.restingSince)
  }

  /** The run is over. The process stays for a while, within the bounds. */
  async function rest(session: Session): Promise<void> {
    const since = session.restingSince
    const tooMany = options.maxWarm === 0 || places.waiting > 0
    if (tooMany || (await session.memoryBytes()) > options.warmBytes) {
      if (session.isAtRest) void session.close()
      return
    }
    for (const surplus of resting().slice(0, -options.maxWarm)) void surplus.close()
    setTimeout(() => {
      if (session.isAtRest && session.restingSince === since) void session.close()
    }, options.warmMs).unref()
  }

  function wakeOf(session: Session): Wake {
    return {
      conversation: session.conversation,
      folder: session.folder,
      options: session.runOptions,
      take(job): Work {
        const turn = new Turn({ job, clock, promptUuid: undefined, settleMs: options.settleMs })
        session.begin(turn)
        return turn
      },
      refuse() {
        if (session.isWaking) void session.close()
      },
    }
  }

  /** Somebody else has gone on in the session: it is told, and a process that does not know of it has to go. */
  async function tellUnseen(turn: Turn): Promise<boolean> {
    const { folder, sessionId, newestMessage } = turn.job
    if (sessionId === undefined || newestMessage === undefined) return false
    const unseen = await transcripts
      .unseen(folder, sessionId, newestMessage, steeringUuid(turn.job.run))
      .catch((error: unknown) => {
        log.warn('a session could not be looked at', { session: sessionId, error })
        return undefined
      })
    if (!unseen) return false
    turn.tell(grownEvent(sessionId, unseen, clock.now()))
    return true
  }

  function tellNotLoaded(turn: Turn, launch: Launch): void {
    const event = notLoadedEvent(launch.notLoaded, timestamp(clock.now()))
    turn.tell(event)
    log.warn(String(event['content']), { folder: turn.job.folder, run: turn.job.run })
  }

  function failure(sentence: string) {
    return errorResult('agent_not_started', sentence, timestamp(clock.now()))
  }
}
