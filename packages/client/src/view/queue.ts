import type { AttachmentMark } from '@claude-proxy/protocol/events'
import type { AgentEvent } from '../events.ts'

/** A prompt that is not a run yet. */
export interface WaitingPrompt {
  readonly id: string
  readonly text: string
  readonly attachments: readonly AttachmentMark[]
  /** `steering`: the turn that is under way has not taken it yet. */
  readonly state: 'queued' | 'steering'
}

export type Queue = readonly WaitingPrompt[]

/** The queue after an event of a prompt (PROTOCOL.md 10.4). */
export function queueAfter(queue: Queue, event: AgentEvent, text: string): Queue {
  const id = event['prompt_id']
  if (typeof id !== 'string') return queue
  const known = queue.find((each) => each.id === id)
  const others = queue.filter((each) => each.id !== id)
  const prompt: WaitingPrompt = {
    id,
    text: known?.text ?? text,
    attachments: known?.attachments ?? attachmentsOf(event),
    state: 'queued',
  }
  if (event.type === 'user') return event['steer'] === true ? [{ ...prompt, state: 'steering' }, ...others] : others
  switch (event['subtype']) {
    case 'prompt_queued':
      // One that a turn has not taken, or that is to interrupt, comes before all others.
      return known || event['first'] === true ? [prompt, ...others] : [...others, prompt]
    case 'prompt_edited':
      return known ? edited(queue, known, event) : queue
    default:
      return others
  }
}

export function attachmentsOf({ attachments }: AgentEvent): readonly AttachmentMark[] {
  return Array.isArray(attachments) ? attachments : []
}

function edited(queue: Queue, known: WaitingPrompt, { text, position }: AgentEvent): Queue {
  const prompt = typeof text === 'string' ? { ...known, text } : known
  if (typeof position !== 'number') return queue.map((each) => (each === known ? prompt : each))
  const others = queue.filter((each) => each !== known)
  return [...others.slice(0, position - 1), prompt, ...others.slice(position - 1)]
}
