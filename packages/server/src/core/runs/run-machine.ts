import type { Run } from '../ports/run.ts'

/**
 * Where a run stands, for what may still happen to it.
 *
 *   accepted  stored, no agent has it yet
 *   running   handed to an agent
 *   halted    interrupted before an agent had it: none gets it any more
 *   stopping  interrupted, and its agent has not ended yet
 *   ended     its terminal event is stored
 */
export type RunPhase = 'accepted' | 'running' | 'halted' | 'stopping' | 'ended'

/** What can happen to a run. `append` stores events of it. */
export type RunInput = 'claim' | 'append' | 'interrupt' | 'end'

/** What each input makes of each phase. Both stores keep to it. */
export const RUN_TABLE: Record<RunPhase, Record<RunInput, RunPhase | 'refused'>> = {
  accepted: { claim: 'running', append: 'accepted', interrupt: 'halted', end: 'ended' },
  running: { claim: 'refused', append: 'running', interrupt: 'stopping', end: 'ended' },
  halted: { claim: 'refused', append: 'halted', interrupt: 'halted', end: 'ended' },
  stopping: { claim: 'refused', append: 'stopping', interrupt: 'stopping', end: 'ended' },
  ended: { claim: 'refused', append: 'refused', interrupt: 'refused', end: 'refused' },
}

/** The phase that a run's record shows. */
export function phaseOf({ state, interruptedBecause }: Pick<Run, 'state' | 'interruptedBecause'>): RunPhase {
  if (state === 'ended' || interruptedBecause === undefined) return state
  return state === 'accepted' ? 'halted' : 'stopping'
}
