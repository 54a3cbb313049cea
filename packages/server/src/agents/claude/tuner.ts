import { AppError } from '@claude-proxy/protocol/errors'
import type { Adjustments, SettingName } from '../../core/ports/settings.ts'
import type { RunOptions } from '../../core/ports/run.ts'
import type { AgentMessage } from './normalise.ts'
import type { ClaudeProcess } from './process.ts'

/** What a process works with, as it was asked to. */
export interface Tuning extends Pick<RunOptions, 'model' | 'effort'> {
  readonly permissionMode: NonNullable<RunOptions['permissionMode']>
}

export type Tunable = Pick<ClaudeProcess, 'setModel' | 'setEffort' | 'setPermissionMode'>

export interface Tuned {
  readonly applied: readonly SettingName[]
  readonly before: Adjustments
}

/** A new model is tried out with a request of the agent's own: that may take as long as the Messages API likes. */
const ANSWER_MS = 10_000

/** What is most likely to be refused comes last: the least has to be taken back then. */
const ORDER: readonly SettingName[] = ['permissionMode', 'effort', 'model']

/** Changes a living process, one change after the other, and knows what it was told. */
export class Tuner {
  readonly #launched: Tuning
  readonly #answerMs: number
  #now: Tuning
  #last: Promise<unknown> = Promise.resolve()
  /** The modes that we have set and the agent has not confirmed. */
  #unconfirmed: string[] = []
  #isSettingModel = false

  constructor(launched: Tuning, answerMs: number = ANSWER_MS) {
    this.#launched = launched
    this.#now = launched
    this.#answerMs = answerMs
  }

  get now(): Tuning {
    return this.#now
  }

  /** Makes the changes that a living process can be given. Throws `setting_refused`, and then all is as before. */
  adjust(process: Tunable, changes: Adjustments): Promise<Tuned> {
    const made = this.#last.then(() => this.#adjust(process, changes))
    this.#last = made.catch(() => {})
    return made
  }

  /** Notes the mode that the agent says it is in. Answers with the one that it has left by itself. */
  noteMode(mode: string): string | undefined {
    const confirmed = this.#unconfirmed.indexOf(mode)
    if (confirmed >= 0) this.#unconfirmed.splice(0, confirmed + 1)
    const from = this.#now.permissionMode
    if (confirmed >= 0 || mode === from) return undefined
    this.#now = { ...this.#now, permissionMode: mode as Tuning['permissionMode'] }
    return from
  }

  /** Whether the message only repeats that we have changed the model: we say so ourselves. */
  isEcho(message: AgentMessage): boolean {
    return this.#isSettingModel && message.type === 'user' && message['isReplay'] === true
  }

  async #adjust(process: Tunable, changes: Adjustments): Promise<Tuned> {
    const before: { [Name in SettingName]?: Adjustments[Name] } = {}
    const applied: SettingName[] = []
    for (const name of ORDER) {
      const to = changes[name]
      if (to === undefined || !this.#isInReach(name, to)) continue
      const old: Adjustments = { [name]: this.#now[name] ?? null }
      try {
        await this.#set(process, { [name]: to })
      } catch (cause) {
        for (const each of applied.toReversed()) await this.#set(process, { [each]: before[each] }).catch(() => {})
        throw refused(name, cause)
      }
      Object.assign(before, old)
      applied.push(name)
    }
    return { applied, before }
  }

  /** The agent enters the mode in which nobody is asked only if it was started in it. */
  #isInReach(name: SettingName, to: string | null): boolean {
    const isBypass = name === 'permissionMode' && to === 'bypassPermissions'
    return !isBypass || this.#launched.permissionMode === 'bypassPermissions'
  }

  async #set(process: Tunable, { model, effort, permissionMode }: Adjustments): Promise<void> {
    if (permissionMode !== undefined) await this.#setMode(process, permissionMode ?? 'default')
    if (effort !== undefined && (effort ?? undefined) !== this.#now.effort) {
      await this.#answer(process.setEffort(effort))
      this.#now = changed(this.#now, { effort })
    }
    if (model !== undefined && (model ?? undefined) !== this.#now.model) await this.#setModel(process, model)
  }

  async #setMode(process: Tunable, mode: Tuning['permissionMode']): Promise<void> {
    const before = this.#now.permissionMode
    if (mode === before) return
    this.#now = { ...this.#now, permissionMode: mode }
    this.#unconfirmed.push(mode)
    try {
      await this.#answer(process.setPermissionMode(mode))
    } catch (error) {
      this.#unconfirmed = this.#unconfirmed.filter((each) => each !== mode)
      this.#now = { ...this.#now, permissionMode: before }
      throw error
    }
  }

  async #setModel(process: Tunable, model: string | null): Promise<void> {
    this.#isSettingModel = true
    try {
      // Noted also when it comes too late: the next run knows then what there is to change.
      const set = process.setModel(model).then(() => {
        this.#now = changed(this.#now, { model })
      })
      await this.#answer(set)
    } finally {
      this.#isSettingModel = false
    }
  }

  async #answer(asked: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new Error(`it has not answered for ${this.#answerMs / 1000} s.`)),
      this.#answerMs,
    )
    try {
      await Promise.race([asked, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

function changed(tuning: Tuning, changes: Pick<Adjustments, 'model' | 'effort'>): Tuning {
  const all = Object.entries({ ...tuning, ...changes }).filter(([, value]) => value !== null)
  return { permissionMode: tuning.permissionMode, ...Object.fromEntries(all) }
}

function refused(name: SettingName, cause: unknown): AppError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new AppError('setting_refused', `The agent does not take this: ${why}`, { setting: NAMES[name] }, { cause })
}

const NAMES = { model: 'model', effort: 'effort', permissionMode: 'permission_mode' } as const
