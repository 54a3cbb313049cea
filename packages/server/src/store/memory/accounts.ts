import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Account, RunEnding } from '../../core/ports/account.ts'
import { INTERRUPTED, sumByModel } from '../../core/runs/account.ts'
import type { State } from './state.ts'

/** Keeps what a run came to. */
export function noteEnding(state: State, run: RunId, ending: RunEnding, at: number): void {
  state.endings.set(run, { ...ending, at })
}

/** What the runs of a conversation have come to. */
export function account(state: State, id: ConversationId): Account | undefined {
  if (!state.conversations.has(id)) return undefined
  const runs = [...state.runs.values()].filter(({ conversation }) => conversation === id)
  const endings = runs.flatMap((run) => {
    const ending = state.endings.get(run.id)
    return ending ? { run: run.id, ...ending } : []
  })
  const judged = endings.findLast(({ outcome }) => outcome !== INTERRUPTED)
  return {
    runs: runs.length,
    usage: sumByModel(endings.flatMap(({ usage }) => usage)).toSorted((a, b) => (a.model < b.model ? -1 : 1)),
    newest: runs.findLast(({ state: of }) => of === 'ended')?.id,
    facts: endings.findLast(({ facts }) => Object.keys(facts).length > 0)?.facts ?? {},
    lastError:
      judged?.error === undefined
        ? undefined
        : { run: judged.run, code: judged.outcome, message: judged.error, at: judged.at },
  }
}
