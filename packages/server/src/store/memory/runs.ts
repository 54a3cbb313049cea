import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { RunEnding } from '../../core/ports/account.ts'
import type { Appended } from '../../core/ports/event.ts'
import type { Begun, NewRun, Run } from '../../core/ports/run.ts'
import type { Conversation } from '../../core/ports/conversation.ts'
import { phaseOf, RUN_TABLE, type RunInput, type RunPhase } from '../../core/runs/run-machine.ts'
import { titleOf } from '../../core/titles.ts'
import { certain } from '../../core/certain.ts'
import { expectThere, refer } from './attachments.ts'
import { noteEnding } from './accounts.ts'
import { canonical, change, create, folderOf, refuseDeleted, setGroup } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
import { remember, requestOf } from './requests.ts'
import { noteUsed } from './usage.ts'
import type { State } from './state.ts'

export function openRuns(state: State): Run[] {
  return [...state.runs.values()].filter((run) => run.state !== 'ended')
}

export function openRun(state: State, folder: Folder): Run | undefined {
  return openRuns(state).find((run) => run.folder === folder)
}

export function beginRun(state: State, input: NewRun): Begun {
  checkLines([input.line])
  const folder = folderOf(state, input.name)
  if (folder !== undefined && folder !== input.folder) return { status: 'elsewhere', folder }
  const known = requestOf(state, input.folder, input.key)
  if (known !== undefined) return known
  const other = openRun(state, input.folder)
  if (other !== undefined) return { status: 'busy', run: other }
  if (input.begunBy === 'client' && state.queues.get(input.folder)?.length) return { status: 'waiting' }
  if (state.runs.has(input.id)) throw new Error(`There is a run ${input.id} already.`)

  expectThere(state, input.attachments)
  const conversation = place(state, input).id
  remember(state, input.folder, input.key, input.id, input.at)
  const run = storeRun(state, conversation, input)
  return { status: 'begun', run, conversation: change(state, conversation, {}) }
}

/** Makes a run, for whatever has found that one may begin. */
export function storeRun(
  state: State,
  conversation: ConversationId,
  { id, folder, begunBy, text, attachments, options, line, at }: Omit<NewRun, 'name' | 'cwd'>,
): Run {
  const { first } = appendEvents(state, conversation, [line], at)
  const run: Run = {
    id,
    conversation,
    folder,
    state: 'accepted',
    begunBy,
    text,
    ...refer(state, conversation, at, attachments),
    options,
    first,
    last: undefined,
    interruptedBecause: undefined,
  }
  state.runs.set(id, run)
  state.begunAt.set(id, at)
  const known = certain(state.conversations.get(conversation), 'the conversation of a run')
  const title = known.title ?? (begunBy === 'client' ? titleOf(text) : undefined)
  change(state, conversation, { activeAt: at, title })
  return run
}

/** The conversation that the run goes into. */
export function place(state: State, run: Omit<NewRun, 'options' | 'line' | 'text'>): Conversation {
  const own = state.conversations.get(run.name)
  // the agent's session belongs to this conversation, whether or not the folder has moved on to another
  if (run.begunBy === 'agent' || run.isOwn) return change(state, run.name, {})
  const there = canonical(state, run.folder)
  const found = there ?? own ?? create(state, { ...run, id: run.name })
  refuseDeleted(state, run.name)
  if (there === undefined) state.folders.set(run.folder, found.id)
  else if (own === undefined) state.aliases.set(run.name, run.folder)
  setGroup(state, found.id, run.group, run.at)
  return found
}

/** The run, if what is to happen to it may happen, and the phase that it is in afterwards. */
function admit(state: State, id: RunId, input: RunInput): { run: Run; phase: RunPhase } | undefined {
  const run = state.runs.get(id)
  const phase = run ? RUN_TABLE[phaseOf(run)][input] : 'refused'
  return run && phase !== 'refused' ? { run, phase } : undefined
}

export function claimRun(state: State, id: RunId): boolean {
  const admitted = admit(state, id, 'claim')
  if (!admitted) return false
  state.runs.set(id, { ...admitted.run, state: 'running' })
  return true
}

export function interruptRun(state: State, id: RunId, because: string): Run | undefined {
  const admitted = admit(state, id, 'interrupt')
  if (!admitted) return undefined
  const run = { ...admitted.run, interruptedBecause: admitted.run.interruptedBecause ?? because }
  state.runs.set(id, run)
  return run
}

export function append(state: State, id: RunId, lines: readonly string[], at: number): Appended {
  checkLines(lines)
  const admitted = admit(state, id, 'append')
  if (!admitted) return { status: 'closed' }
  return { status: 'stored', ...appendEvents(state, admitted.run.conversation, lines, at) }
}

export function endRun(state: State, id: RunId, lines: readonly string[], at: number, ending?: RunEnding): Appended {
  checkLines(lines)
  const admitted = admit(state, id, 'end')
  if (!admitted) return { status: 'closed' }
  const appended = appendEvents(state, admitted.run.conversation, lines, at)
  state.runs.set(id, { ...admitted.run, state: 'ended', last: appended.last })
  if (ending) {
    noteEnding(state, id, ending, at)
    noteUsed(state, admitted.run, ending, at)
  }
  state.begunAt.delete(id)
  return { status: 'stored', ...appended }
}
