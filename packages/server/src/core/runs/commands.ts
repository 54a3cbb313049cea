import { AppError } from '@claude-proxy/protocol/errors'
import { type EventPayload, promptEvent, queueEvent } from '@claude-proxy/protocol/events'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { conversationUnknown } from '../conversations.ts'
import { attachmentMarks } from '../attachments/marks.ts'
import type { Approvals } from '../approvals/approvals.ts'
import type { EventLog } from '../log/log.ts'
import type { Changed, Prompt, PromptChange } from '../ports/prompt.ts'
import type { Clock } from '../ports/outside.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { Store } from '../ports/store.ts'
import type { Host } from './host.ts'
import { mayLead } from './options.ts'
import type { Queue } from './queue.ts'
import { timestamp } from '../timestamp.ts'

export interface CommandsDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly host: Host
  readonly queue: Queue
  readonly approvals: Approvals
}

/** What an interrupt came to: the run that it stops, what it took back, and what goes on waiting. */
export interface Interrupted {
  readonly conversation: Conversation
  readonly run: RunId | undefined
  /** Whether something was ended that lived in the background of a conversation at rest. */
  readonly background: boolean
  readonly cancelled: readonly RunId[]
  readonly queued: readonly Prompt[]
  /** Whether there was anything to stop, to take back or not to ask any more. */
  readonly hasChanged: boolean
}

/** The prompts of one conversation that wait, in order. */
export interface Waiting {
  readonly prompts: readonly Prompt[]
  /** How many of other conversations are served before the first of them. */
  readonly ahead: number
}

export const INTERRUPTED_BY_USER = 'Interrupted by user.'

export type Commands = ReturnType<typeof createCommands>

/** What a client may do about a run that goes on, and about prompts that wait. */
export function createCommands({ store, events, clock, host, queue, approvals }: CommandsDeps) {
  return {
    /** Stops what the conversation does now; `all`: also empties its queue and ends what lives in its background. */
    async interrupt(id: ConversationId, scope: 'turn' | 'all'): Promise<Interrupted> {
      const conversation = await find(id)
      // First, or the end of the run would begin the next.
      const cancelled = scope === 'all' ? await queue.empty(await ownPrompts(conversation)) : []
      const open = await store.openRun(conversation.folder)
      const isOwn = open?.conversation === id
      const isStopped = isOwn && (await host.interrupt(open, INTERRUPTED_BY_USER, scope))
      // What a run that was cut off still asks is not asked any more.
      const isWithdrawn = await approvals.dropCarried(id, INTERRUPTED_BY_USER)
      const background = scope === 'all' && host.endBackground(id)
      const { prompts: queued } = await waiting(conversation)
      const hasChanged = isStopped || isWithdrawn || background || cancelled.length > 0
      return { conversation, run: isStopped ? open.id : undefined, background, cancelled, queued, hasChanged }
    },

    async queue(id: ConversationId): Promise<Waiting> {
      return waiting(await find(id))
    },

    async edit(id: string, { text, position }: Edit, by: Who) {
      if (text !== undefined && !mayLead(by, await findPrompt(id))) throw asksForMore()
      const changes = { ...(text !== undefined && { text }), ...(position !== undefined && { position }) }
      return change(id, { input: 'edit', text, place: position }, (prompt) =>
        queueEvent('prompt_edited', prompt, timestamp(clock.now()), changes),
      )
    },

    async cancel(id: string): Promise<Prompt> {
      return change(id, { input: 'cancel' }, (prompt) => queueEvent('prompt_cancelled', prompt, timestamp(clock.now())))
    },

    /** Gives a prompt that waits to the run of its conversation. If that cannot be steered, it goes on waiting. */
    async steer(id: string, by: Who): Promise<Prompt> {
      const prompt = await findPrompt(id)
      if (prompt.state !== 'queued') throw notQueued(prompt)
      const open = await store.openRun(prompt.folder)
      if (open?.conversation !== prompt.conversation || !mayLead(by, open)) return prompt
      if (!host.isSteerable(open, prompt.attachments)) return prompt
      const marks = { prompt_id: prompt.id, steer: true as const, ...attachmentMarks(prompt.attachments) }
      const line = toLine(promptEvent(prompt.text, timestamp(clock.now()), marks))
      const at = clock.now()
      const changed = await events.changePrompt({ id: prompt.id, input: 'steer', into: open.id, line, at })
      if (changed.status === 'unknown') throw promptUnknown(id)
      if (changed.status === 'refused') {
        // The run has ended meanwhile, or is being stopped.
        if (changed.prompt.state === 'queued') return changed.prompt
        throw notQueued(changed.prompt)
      }
      await queue.handOver(changed.prompt, open.id)
      return (await store.prompt(prompt.id)) ?? changed.prompt
    },
  }

  async function find(id: ConversationId): Promise<Conversation> {
    const conversation = await store.conversation(id)
    if (!conversation) throw conversationUnknown(id)
    return conversation
  }

  async function findPrompt(id: string): Promise<Prompt> {
    const prompt = await store.prompt(id as RunId)
    if (!prompt) throw promptUnknown(id)
    return prompt
  }

  async function waiting({ id, folder }: Conversation): Promise<Waiting> {
    const all = await store.queuedPrompts(folder)
    const first = all.findIndex(({ conversation }) => conversation === id)
    return { prompts: all.filter(({ conversation }) => conversation === id), ahead: first < 0 ? all.length : first }
  }

  /** What waits, and what was given to a run that has not taken it yet. */
  async function ownPrompts(conversation: Conversation): Promise<Prompt[]> {
    const open = await store.openRun(conversation.folder)
    const steering = open?.conversation === conversation.id ? await store.steeringPrompts(open.id) : []
    return [...steering, ...(await waiting(conversation)).prompts]
  }

  async function change(
    id: string,
    what: Pick<PromptChange & { input: 'cancel' }, 'input'> | EditOf,
    event: (prompt: RunId) => EventPayload,
  ): Promise<Prompt> {
    const { id: known } = await findPrompt(id)
    const changed: Changed = await events.changePrompt({
      id: known,
      ...what,
      line: toLine(event(known)),
      at: clock.now(),
    })
    if (changed.status === 'unknown') throw promptUnknown(id)
    if (changed.status === 'refused') throw notQueued(changed.prompt)
    return changed.prompt
  }
}

interface Edit {
  readonly text?: string | undefined
  readonly position?: number | undefined
}

interface Who {
  /** Whether they may decide what the agent would ask a person for. */
  readonly mayDecide?: boolean
}

type EditOf = { input: 'edit'; text: string | undefined; place: number | undefined }

function promptUnknown(id: string): AppError {
  return new AppError('prompt_unknown', 'No prompt with this id has ever waited here.', { prompt_id: id })
}

function notQueued({ id, state }: Prompt): AppError {
  return new AppError('prompt_not_queued', `This prompt does not wait any more: it is ${WORDS[state]}.`, {
    prompt_id: id,
    state,
  })
}

function asksForMore(): AppError {
  return new AppError(
    'forbidden_scope',
    'The run that this prompt becomes will not ask about everything: other words for it need the scope approve.',
    { needed: 'approve' },
  )
}

const WORDS: Record<Prompt['state'], string> = {
  queued: 'queued',
  steering: 'on its way into the turn that is under way',
  steered: 'part of a run',
  begun: 'a run of its own',
  cancelled: 'cancelled',
}
