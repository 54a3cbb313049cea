import { isBelow } from '../../core/folders.ts'
import type { ModelUse, RunEnding } from '../../core/ports/account.ts'
import type { Run } from '../../core/ports/run.ts'
import { QUARTER_MS, type UsageQuery, type UsageSum } from '../../core/ports/usage.ts'
import { sumByModel } from '../../core/runs/account.ts'
import { certain } from '../../core/certain.ts'
import type { State, UsedRun } from './state.ts'

/** Adds what a run came to. */
export function noteUsed(state: State, { id, conversation, folder }: Run, ending: RunEnding, at: number): void {
  const durationMs = Math.max(0, at - certain(state.begunAt.get(id), 'the beginning of a run'))
  const slot = Math.floor(at / QUARTER_MS)
  const { outcome } = ending
  state.used.push({ slot, conversation, folder, outcome, durationMs, usage: sumByModel(ending.usage) })
}

export function usage(state: State, { by, periods, folder, within, limit }: UsageQuery): UsageSum[] {
  const sums = new Map<UsageSum['key'], UsageSum>()
  const add = (key: UsageSum['key'], run: UsedRun, use: readonly ModelUse[]) => {
    sums.set(key, use.reduce(withUse, withRun(sums.get(key) ?? { ...NOTHING, key }, run)))
  }
  for (const run of state.used) {
    const period = periods.findIndex(
      ({ from, to }) => run.slot >= Math.ceil(from / QUARTER_MS) && run.slot < Math.ceil(to / QUARTER_MS),
    )
    if (period < 0 || (folder !== undefined && folder !== run.folder)) continue
    if (within !== undefined && !isBelow(run.folder, within)) continue
    const { conversation } = run
    if (by === 'period') add(period, run, run.usage)
    else if (by === 'folder') add(run.folder, run, run.usage)
    else if (by === 'conversation')
      add(state.conversations.has(conversation) ? conversation : undefined, run, run.usage)
    else for (const use of run.usage) add(use.model, { ...run, outcome: '', durationMs: 0 }, [use])
  }
  return [...sums.values()].toSorted(by === 'period' ? byKey : byCost).slice(0, limit)
}

const NOTHING = {
  runs: 0,
  succeeded: 0,
  interrupted: 0,
  durationMs: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  costUsd: undefined,
}

function withRun(sum: UsageSum, { outcome, durationMs }: UsedRun): UsageSum {
  return {
    ...sum,
    runs: sum.runs + 1,
    succeeded: sum.succeeded + Number(outcome === 'success'),
    interrupted: sum.interrupted + Number(outcome === 'interrupted'),
    durationMs: sum.durationMs + durationMs,
  }
}

function withUse(sum: UsageSum, use: ModelUse): UsageSum {
  const [{ model: _, ...tokens } = use] = sumByModel([{ ...sum, model: use.model }, use])
  return { ...sum, ...tokens, costUsd: tokens.costUsd }
}

function byKey(a: UsageSum, b: UsageSum): number {
  return Number(a.key) - Number(b.key)
}

function byCost(a: UsageSum, b: UsageSum): number {
  const cost = (b.costUsd ?? -1) - (a.costUsd ?? -1)
  const tokens = b.inputTokens + b.outputTokens - a.inputTokens - a.outputTokens
  return cost || tokens || (String(a.key ?? '') < String(b.key ?? '') ? -1 : 1)
}
