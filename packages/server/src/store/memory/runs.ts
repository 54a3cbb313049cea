import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Appended, Begun, Conversation, NewRun, Run } from '../../core/ports.ts'
import { canonical, change, create, folderOf, refuseDeleted, setGroup } from './conversations.ts'
import { appendEvents, checkLines } from './events.ts'
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
  const other = openRun(state, input.folder)
  if (other !== undefined) return { status: 'busy', run: other }
  if (state.runs.has(input.id)) throw new Error(`There is a run ${input.id} already.`)

  const conversation = place(state, input).id
  setGroup(state, conversation, input.group, input.at)
  const { first } = appendEvents(state, conversation, [input.line], input.at)
  const { id, begunBy, text, options } = input
  const run: Run = {
    id,
    conversation,
    folder: input.folder,
    state: 'accepted',
    begunBy,
    text,
    options,
    first,
    last: undefined,
  }
  state.runs.set(id, run)
  return { status: 'begun', run, conversation: change(state, conversation, {}) }
}

/** The conversation that the run goes into. */
function place(state: State, run: NewRun): Conversation {
  const own = state.conversations.get(run.name)
  // the agent's session belongs to this conversation, whether or not the folder has moved on to another
  if (run.begunBy === 'agent') return change(state, run.name, {})
  const there = canonical(state, run.folder)
  const found = there ?? own ?? create(state, { ...run, id: run.name })
  refuseDeleted(state, run.name)
  if (there === undefined) state.folders.set(run.folder, found.id)
  else if (own === undefined) state.aliases.set(run.name, run.folder)
  return found
}

export function claimRun(state: State, id: RunId): boolean {
  const run = state.runs.get(id)
  if (run?.state !== 'accepted') return false
  state.runs.set(id, { ...run, state: 'running' })
  return true
}

export function append(state: State, id: RunId, lines: readonly string[], at: number): Appended {
  checkLines(lines)
  const run = state.runs.get(id)
  if (run === undefined || run.state === 'ended') return { status: 'closed' }
  return { status: 'stored', ...appendEvents(state, run.conversation, lines, at) }
}

export function endRun(state: State, id: RunId, lines: readonly string[], at: number): Appended {
  const appended = append(state, id, lines, at)
  const run = state.runs.get(id)
  if (appended.status === 'stored' && run) state.runs.set(id, { ...run, state: 'ended', last: appended.last })
  return appended
}
