import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Added, Changed, NewPrompt, Prompt, PromptBegun, PromptChange } from '../../core/ports/prompt.ts'
import { MOST_QUEUED, PROMPT_TABLE } from '../../core/runs/prompt-machine.ts'
import { phaseOf } from '../../core/runs/run-machine.ts'
import { certain } from '../../core/certain.ts'
import { expectThere, refer } from './attachments.ts'
import { canonical, change, folderOf } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
import { remember, requestOf } from './requests.ts'
import { openRun, place, storeRun } from './runs.ts'
import type { State } from './state.ts'

/** The folder's queue, in order. */
export function queuedPrompts(state: State, folder: Folder): Prompt[] {
  return (state.queues.get(folder) ?? []).map((id) => certain(state.prompts.get(id), 'a prompt of the queue'))
}

export function queuedFolders(state: State): Folder[] {
  return [...state.queues].flatMap(([folder, queue]) => (queue.length > 0 ? folder : []))
}

export function steeringPrompts(state: State, run?: RunId): Prompt[] {
  return [...state.prompts.values()].filter(
    (prompt) => prompt.state === 'steering' && (run === undefined || prompt.into === run),
  )
}

export function addPrompt(state: State, input: NewPrompt): Added {
  checkLines([input.line])
  const folder = folderOf(state, input.name)
  if (folder !== undefined && folder !== input.folder) return { status: 'elsewhere', folder }
  const known = requestOf(state, input.folder, input.key)
  if (known !== undefined) return known
  const queue = state.queues.get(input.folder) ?? []
  if (queue.length >= MOST_QUEUED) return { status: 'full' }
  const named = canonical(state, input.folder) ?? state.conversations.get(input.name)
  if (input.into !== undefined && !canSteer(state, input.into, named?.id)) return { status: 'closed' }
  expectThere(state, input.attachments)
  const conversation = place(state, { ...input, begunBy: 'client' }).id
  remember(state, input.folder, input.key, input.id, input.at)
  const { first } = appendEvents(state, conversation, [input.line], input.at)
  const { id, text, options, into, at } = input
  const prompt: Prompt = {
    id,
    conversation,
    folder: input.folder,
    state: into === undefined ? 'queued' : 'steering',
    text,
    ...refer(state, conversation, at, input.attachments),
    options,
    first,
    last: undefined,
    into,
    at,
  }
  state.prompts.set(id, prompt)
  if (into === undefined) state.queues.set(input.folder, input.isFirst ? [id, ...queue] : [...queue, id])
  return { status: 'added', prompt, conversation: change(state, conversation, {}) }
}

export function changePrompt(state: State, input: PromptChange): Changed {
  checkLines([input.line])
  const prompt = state.prompts.get(input.id)
  if (prompt === undefined) return { status: 'unknown' }
  const next = PROMPT_TABLE[prompt.state][input.input]
  if (next === 'refused' || (input.input === 'steer' && !canSteer(state, input.into, prompt.conversation)))
    return { status: 'refused', prompt }
  const { last } = appendEvents(state, prompt.conversation, [input.line], input.at)
  const changed: Prompt = {
    ...prompt,
    state: next,
    text: (input.input === 'edit' ? input.text : undefined) ?? prompt.text,
    into: input.input === 'steer' ? input.into : prompt.into,
    last: next === 'cancelled' ? last : undefined,
  }
  state.prompts.set(input.id, changed)
  if (next !== 'queued') leaveQueue(state, changed)
  if (input.input === 'missed') state.queues.set(prompt.folder, [prompt.id, ...(state.queues.get(prompt.folder) ?? [])])
  if (input.input === 'edit' && input.place !== undefined) move(state, changed, input.place)
  return { status: 'changed', prompt: changed, number: last }
}

export function beginPrompt(state: State, input: { id: RunId; text: string; line: string; at: number }): PromptBegun {
  checkLines([input.line])
  const prompt = state.prompts.get(input.id)
  if (!prompt || prompt.text !== input.text) return { status: 'changed' }
  const next = PROMPT_TABLE[prompt.state].begin
  if (next === 'refused') return { status: 'changed' }
  const other = openRun(state, prompt.folder)
  if (other !== undefined) return { status: 'busy', run: other }
  state.prompts.set(prompt.id, { ...prompt, state: next })
  leaveQueue(state, prompt)
  const { conversation } = prompt
  const run = storeRun(state, conversation, { ...prompt, begunBy: 'client', line: input.line, at: input.at })
  return { status: 'begun', run, conversation: change(state, conversation, {}) }
}

/** Whether an agent works on the run, in this conversation, and goes on. */
function canSteer(state: State, id: RunId, conversation: ConversationId | undefined): boolean {
  const run = state.runs.get(id)
  return run !== undefined && run.conversation === conversation && phaseOf(run) === 'running'
}

function leaveQueue(state: State, { id, folder }: Prompt): void {
  state.queues.set(
    folder,
    (state.queues.get(folder) ?? []).filter((each) => each !== id),
  )
}

/** The conversation's prompts take turns in the places that they have; other conversations keep theirs. */
function move(state: State, { id, folder, conversation }: Prompt, to: number): void {
  const queue = certain(state.queues.get(folder), 'the queue of a queued prompt')
  const isMine = (each: RunId) => state.prompts.get(each)?.conversation === conversation
  const order = queue.filter((each) => isMine(each) && each !== id)
  order.splice(to - 1, 0, id)
  state.queues.set(
    folder,
    queue.map((each) => (isMine(each) ? certain(order.shift(), 'a prompt of the queue') : each)),
  )
}
