import {
  asInterrupted,
  errorResult,
  type EventPayload,
  type MediaType,
  type ResultPayload,
} from '@claude-proxy/protocol/events'
import { type RunId, steeringUuid } from '@claude-proxy/protocol/ids'
import type { AgentFacts } from '../../core/ports/account.ts'
import type { Clock } from '../../core/ports/outside.ts'
import type { Attached, Happening, Job, PermissionRequest, Work } from '../../core/ports/agent.ts'
import type { PermissionDecision } from '../../core/ports/approval.ts'
import { Queue } from '../queue.ts'
import { factsOf, usageOf } from './facts.ts'
import { type AgentMessage, normalise, normaliseResult, turnResult } from './normalise.ts'
import { readPartial } from './partial.ts'
import { timestamp } from '../../core/timestamp.ts'

/**
 * One run's share of an agent's messages, and the decision when it is over.
 *
 *   working   from the start; messages become events, a `result` is held back, because it may not be the last
 *   settling  the agent has answered, and only agents in its background work; they may wake it again
 *   ended     the last result has gone out as the terminal event
 *
 * "Our prompts" are the one that began the run and those that steer it. A prompt that the agent has not taken when
 * the run ends is the next run's: the process, which still has it, must not begin with it by itself.
 *
 * working → settling   our prompts are done, a result has come, and background agents live
 * settling → working   the agent begins another turn (its state says nothing: it is never idle while agents work)
 * working → ended      the agent is idle, our prompts are done, no background agents live (shells are not waited for)
 * settling → ended     the same, or `settleMs` are over, or somebody wants the folder
 * any → ended          the agent is idle and says nothing for `RESTS_MS`: it has passed over a prompt of ours
 * any → ended          the process is gone
 */
type Mode = 'working' | 'settling' | 'ended'

export interface TurnHooks {
  /** Stops what the agent does now. */
  readonly interrupt: () => void
  /** Sends another prompt into the turn that is under way. */
  readonly steer: (text: string, uuid: string, attached: readonly Attached[]) => void
  /** How many agents work in the background of the process. */
  readonly backgroundAgents: () => number
  /** Stops them: nobody waits for them any more. */
  readonly stopBackgroundAgents: () => void
  /** The session to be resumed is not there; the prompt has to go to a fresh one. */
  readonly sessionMissing: () => void
  /** The run is over; what the process says from now on is not this turn's. */
  readonly ended: () => void
}

export interface TurnOptions {
  readonly job: Job
  readonly clock: Clock
  /** The uuid our prompt is sent with; undefined when the agent began by itself. */
  readonly promptUuid: string | undefined
  /** How long background agents are waited for. */
  readonly settleMs: number
  /** Told when the agent has begun with it. */
  readonly onBegun?: () => void
}

const DONE = new Set(['completed', 'cancelled', 'discarded', 'refused'])

/** How long an agent may be idle with a prompt of ours that it has not answered: a prompt and an `idle` may cross. */
const RESTS_MS = 60_000

export class Turn implements Work {
  readonly job: Job
  readonly promptUuid: string | undefined
  /** A process that was there took it. */
  isWarm = false
  readonly #onBegun: (() => void) | undefined
  readonly #clock: Clock
  readonly #settleMs: number
  readonly #happenings = new Queue<Happening>()
  #hooks: TurnHooks | undefined
  #mode: Mode = 'working'
  #ownPromptDone: boolean
  /** The prompts that steer the run and are not done, by the uuids that they were sent with. */
  readonly #steering = new Map<string, { readonly prompt: RunId; isTaken: boolean }>()
  #scope: 'turn' | 'all' = 'turn'
  #sessionId: string | undefined
  #sawInit = false
  /** The agent itself works, not only what it has in the background. */
  #isInTurn = true
  /** A result that has come and was not told yet: the next message decides what it is. */
  #held: ResultPayload | undefined
  #last: ResultPayload | undefined
  #interruptedBecause: string | undefined
  /** The model that the agent has used last. */
  #model: string | undefined
  #settleTimer: NodeJS.Timeout | undefined
  #restTimer: NodeJS.Timeout | undefined
  #isPassedOver = false

  constructor({ job, clock, promptUuid, settleMs, onBegun }: TurnOptions) {
    this.job = job
    this.promptUuid = promptUuid
    this.#clock = clock
    this.#settleMs = settleMs
    this.#onBegun = onBegun
    this.#ownPromptDone = promptUuid === undefined
  }

  get ended(): boolean {
    return this.#mode === 'ended'
  }

  [Symbol.asyncIterator](): AsyncIterator<Happening> {
    return this.#happenings[Symbol.asyncIterator]()
  }

  /** Connects the turn with the process that works on it. */
  attach(hooks: TurnHooks): void {
    this.#hooks = hooks
  }

  /** The process still has prompts of this run that it has not taken, or is to keep nothing alive. */
  get leavesNothing(): boolean {
    return this.#scope === 'all' || this.#isPassedOver || this.hasUntaken
  }

  /** The process still has prompts that steered this run and were not taken by it. */
  get hasUntaken(): boolean {
    return [...this.#steering.values()].some(({ isTaken }) => !isTaken)
  }

  /** A run that the agent began has nobody who could say what the next prompt is about. */
  get isSteerable(): boolean {
    const isOwn = this.promptUuid !== undefined && this.#hooks !== undefined
    return isOwn && this.#mode === 'working' && this.#interruptedBecause === undefined
  }

  /** The agent drops documents from a prompt that it takes into its turn, and says nothing of it. */
  steersWith(mediaType: MediaType): boolean {
    return mediaType.startsWith('image/')
  }

  steer(prompt: RunId, text: string, attached: readonly Attached[] = []): boolean {
    if (!this.isSteerable) return false
    const uuid = steeringUuid(prompt)
    this.#steering.set(uuid, { prompt, isTaken: false })
    this.#hooks?.steer(text, uuid, attached)
    return true
  }

  interrupt(reason: string, scope: 'turn' | 'all' = 'turn'): void {
    if (this.#mode === 'ended') return
    if (scope === 'all') this.#scope = scope
    this.#interruptedBecause ??= reason
    if (this.#hooks && this.#mode === 'working') this.#hooks.interrupt()
    else this.#giveUpSettling()
  }

  endSettling(): boolean {
    if (this.#mode !== 'settling') return false
    this.#finish()
    return true
  }

  /** Puts an event of ours into the transcript. */
  tell(payload: EventPayload): void {
    this.#happenings.push({ kind: 'event', payload })
  }

  /** From now on the conversation continues in this session. */
  useSession(sessionId: string): void {
    if (sessionId === this.#sessionId) return
    this.#sessionId = sessionId
    this.#happenings.push({ kind: 'session', sessionId })
  }

  ask(request: PermissionRequest, signal: AbortSignal): Promise<PermissionDecision> {
    return new Promise((answer) => {
      if (this.#mode === 'ended') answer({ behavior: 'deny', message: 'The run has ended.' })
      else this.#happenings.push({ kind: 'ask', request, signal, answer })
    })
  }

  /** What else is known of the agent. */
  note(facts: AgentFacts): void {
    if (Object.keys(facts).length > 0) this.#happenings.push({ kind: 'facts', facts })
  }

  /** The agent has changed its permission mode by itself. */
  noteMode(from: string, to: string): void {
    this.#happenings.push({ kind: 'mode', from, to })
  }

  /** Takes a message of the agent's. */
  take(message: AgentMessage): void {
    if (this.#mode === 'ended') return
    this.#noteFacts(message)
    if (message.type === 'command_lifecycle') this.#noteLifecycle(message)
    else if (message.type === 'result') this.#noteResult(message)
    else if (message.type === 'system' && message.subtype === 'session_state_changed') this.#noteState(message)
    else this.#noteOther(message)
  }

  /** The process is gone; `why` is a sentence for a person. */
  died(why: string): void {
    if (this.#mode === 'ended') return
    // After its result the agent may leave as it likes: an error result makes it exit with 1.
    const answered = this.#held && (this.#promptDone || this.#held.is_error)
    if (answered || this.#mode === 'settling') this.#finish()
    else this.end(errorResult('agent_died', why, this.#timestamp()))
  }

  /** Ends the run with this result. */
  end(result: ResultPayload): void {
    if (this.#mode === 'ended') return
    this.#mode = 'ended'
    clearTimeout(this.#settleTimer)
    clearTimeout(this.#restTimer)
    this.#happenings.push({ kind: 'end', result: this.#explained(result) })
    this.#happenings.end()
    this.#hooks?.ended()
  }

  #noteFacts(message: AgentMessage): void {
    const facts = factsOf(message, this.#model)
    this.#model = facts.model ?? this.#model
    this.note(facts)
    const usage = message.type === 'result' ? usageOf(message) : []
    if (usage.length > 0) this.#happenings.push({ kind: 'usage', usage })
  }

  get #promptDone(): boolean {
    return this.#ownPromptDone && this.#steering.size === 0
  }

  #noteLifecycle(message: AgentMessage): void {
    const uuid = String(message['command_uuid'])
    const state = String(message['state'])
    if (this.#steering.has(uuid)) this.#noteSteering(uuid, state)
    else if (uuid !== this.promptUuid || !DONE.has(state)) return
    else this.#ownPromptDone = true
    this.#settleIfAnswered()
  }

  #noteSteering(uuid: string, state: string): void {
    const steering = this.#steering.get(uuid)
    if (!steering) return
    // What is completed and was never started, a process before this one had begun with, and nobody has answered it.
    if (state === 'started' && !steering.isTaken) {
      steering.isTaken = true
      this.#happenings.push({ kind: 'steered', prompt: steering.prompt, outcome: 'taken' })
    }
    if (!DONE.has(state)) return
    this.#steering.delete(uuid)
    if (!steering.isTaken) this.#happenings.push({ kind: 'steered', prompt: steering.prompt, outcome: 'missed' })
  }

  #noteState(message: AgentMessage): void {
    clearTimeout(this.#restTimer)
    if (message['state'] !== 'idle') return
    if (!this.#promptDone || !(this.#held ?? this.#last)) {
      // The echo of the turn before, or all that there will be: an agent says no more of a prompt that it has seen before.
      this.#restTimer = setTimeout(() => this.#endAtRest(), RESTS_MS).unref()
      return
    }
    this.#isInTurn = false
    if (this.#hooks?.backgroundAgents()) this.#settleIfAnswered()
    else this.#finish()
  }

  #noteResult(message: AgentMessage): void {
    if (isSessionMissing(message) && this.job.sessionId !== undefined && !this.#sawInit) {
      const hooks = this.#hooks
      clearTimeout(this.#restTimer)
      // Until it is attached to the next process, there is nothing to be asked to stop.
      this.#hooks = undefined
      hooks?.sessionMissing()
      return
    }
    this.#releaseHeld()
    this.#held = normaliseResult(message, this.#timestamp())
    this.#isInTurn = false
    if (this.#interruptedBecause !== undefined) this.#giveUpSettling()
    else this.#settleIfAnswered()
  }

  #noteOther(message: AgentMessage): void {
    if (typeof message['session_id'] === 'string') this.useSession(message['session_id'])
    const update = readPartial(message, this.#clock.now())
    if (update) {
      this.#happenings.push({ kind: 'partial', update })
      return
    }
    if (beginsTurn(message)) this.#work()
    if (message.type === 'system' && message.subtype === 'init') {
      // Told again at each turn; the first of a run is enough.
      if (this.#sawInit) return
      this.#sawInit = true
      this.#onBegun?.()
    }
    const payload = normalise(message, this.#timestamp())
    if (!payload) return
    // It comes whenever the Messages API says so, and is no sign that the agent goes on.
    if (message.type !== 'rate_limit_event') this.#releaseHeld()
    this.tell(payload)
  }

  /** Something follows the held result, so it ended a turn and not the run. */
  #releaseHeld(): void {
    if (!this.#held) return
    this.tell(turnResult(this.#held))
    this.#last = this.#held
    this.#held = undefined
  }

  #work(): void {
    this.#isInTurn = true
    this.#mode = 'working'
    clearTimeout(this.#settleTimer)
    clearTimeout(this.#restTimer)
  }

  #settleIfAnswered(): void {
    const isAnswered = this.#promptDone && !this.#isInTurn && (this.#held ?? this.#last) !== undefined
    if (!isAnswered || this.#mode !== 'working' || !this.#hooks?.backgroundAgents()) return
    this.#mode = 'settling'
    this.#happenings.push({ kind: 'settling' })
    this.#settleTimer = setTimeout(() => this.#giveUpSettling(), this.#settleMs)
  }

  #giveUpSettling(): void {
    this.#hooks?.stopBackgroundAgents()
    this.#finish()
  }

  /** It has long been idle, and the run is not through. What it has not begun with by now it must not begin with later. */
  #endAtRest(): void {
    this.#isPassedOver = true
    if (this.#ownPromptDone && (this.#held ?? this.#last)) this.#finish()
    else this.end(errorResult('no_result', 'The agent came to rest without an answer.', this.#timestamp()))
  }

  #finish(): void {
    const result = this.#held ?? this.#last
    this.end(result ?? errorResult('no_result', 'The agent ended without a result.', this.#timestamp()))
  }

  /** A run that somebody stopped says so, whatever words the agent has for it. */
  #explained(result: ResultPayload): ResultPayload {
    if (this.#interruptedBecause === undefined) return result
    return asInterrupted(result, this.#interruptedBecause)
  }

  #timestamp(): string {
    return timestamp(this.#clock.now())
  }
}

/** The agent says so at the start of each turn; what its background agents say carries the call that began them. */
function beginsTurn(message: AgentMessage): boolean {
  if (message.type === 'system') return message.subtype === 'init'
  return message.type === 'assistant' && message['parent_tool_use_id'] === null
}

function isSessionMissing(message: AgentMessage): boolean {
  const errors = Array.isArray(message['errors']) ? message['errors'] : []
  return errors.some((error) => typeof error === 'string' && error.includes('No conversation found with session ID'))
}
