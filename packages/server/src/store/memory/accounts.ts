import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Account, RunEnding, RunError } from '../../core/ports/account.ts'
import { INTERRUPTED, sumByModel } from '../../core/runs/account.ts'
import type { State } from './state.ts'

/** Keeps what a run came to. */
export function noteEnding(state: State, run: RunId, ending: RunEnding, at: number): void {
  state.endings.set(run, { ...ending, at })
}

/** What the runs of a conversation have come to. */
export function account(state: State, id: ConversationId): Account | undefined {
  if (!state.conversations.has(id)) return undefined
  const runs = runsOf(state, id)
  const endings = runs.flatMap((run) => state.endings.get(run.id) ?? [])
  return {
    runs: runs.length,
    usage: sumByModel(endings.flatMap(({ usage }) => usage)).toSorted((a, b) => (a.model < b.model ? -1 : 1)),
    newest: runs.findLast(({ state: of }) => of === 'ended')?.id,
    facts: endings.findLast(({ facts }) => Object.keys(facts).length > 0)?.facts ?? {},
  }
}

/** Of the newest run that went wrong, unless one has ended well since. */
export function lastError(state: State, id: ConversationId): RunError | undefined {
  if (!state.conversations.has(id)) return undefined
  for (const { id: run } of runsOf(state, id).toReversed()) {
    const ending = state.endings.get(run)
    if (ending === undefined || ending.outcome === INTERRUPTED) continue
    const { error: message, outcome: code, at } = ending
    return message === undefined ? undefined : { run, code, message, at }
  }
  return undefined
}

function runsOf(state: State, id: ConversationId) {
  return [...state.runs.values()].filter(({ conversation }) => conversation === id)
}
