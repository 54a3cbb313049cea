import type { AtRest } from './ports/retention.ts'
import type { Clock, Log } from './ports/outside.ts'
import type { Store } from './ports/store.ts'

/** What is to be kept; without either, everything. */
export interface Policy {
  /** Conversations without a run for so long go. */
  readonly olderThanMs?: number | undefined
  /** Beyond this, the conversations that were active longest ago go. */
  readonly keepBytes?: number | undefined
  /** For the size: those put away go before all others. */
  readonly archivedFirst: boolean
}

export interface Pruning {
  readonly store: Pick<Store, 'atRest' | 'footprint' | 'pruneConversation'>
  readonly policy: Policy
  readonly now: number
  /** Only says what would be deleted. */
  readonly isDry?: boolean
}

/** How many are looked at at once. */
const STEP = 50
/** Who deletes nothing cannot look again: more than anybody has. */
const ALL = 1_000_000_000

/** Deletes what the policy does not keep, one conversation after the other, each in whole; what it has deleted. */
export async function* prune({ store, policy, now, isDry = false }: Pruning): AsyncGenerator<AtRest> {
  const { olderThanMs, keepBytes, archivedFirst } = policy
  const gone = new Set<string>()
  // What is deleted is counted until it is removed.
  const { bytes, isSettled } = await store.footprint()
  let left = bytes
  if (olderThanMs !== undefined)
    for await (const each of through({ activeBefore: now - olderThanMs })) {
      left -= each.bytes
      yield each
    }
  if (keepBytes === undefined || !isSettled) return
  const passes = [...(archivedFirst ? [{ activeBefore: now, isArchived: true as const }] : []), { activeBefore: now }]
  for (const pass of passes) {
    if (left <= keepBytes) return
    for await (const each of through(pass)) {
      left -= each.bytes
      yield each
      if (left <= keepBytes) return
    }
  }

  async function* through(which: { activeBefore: number; isArchived?: true }): AsyncGenerator<AtRest> {
    for (;;) {
      const found = await store.atRest({ ...which, limit: isDry ? ALL : STEP })
      for (const each of found) {
        if (gone.has(each.id)) continue
        // Somebody may have come back to it meanwhile.
        if (!isDry && !(await store.pruneConversation(each.id, which.activeBefore))) continue
        gone.add(each.id)
        yield each
      }
      if (isDry || found.length < STEP) return
    }
  }
}

const EVERY_MS = 3_600_000

export interface Retaining extends Omit<Pruning, 'now' | 'isDry'> {
  readonly clock: Clock
  readonly log: Log
  /** After each deletion: the one place that everything deleted in this way passes. */
  readonly onPruned: (conversation: AtRest) => void
}

/** Keeps to the policy, now and every hour. */
export function retain({ store, policy, clock, log, onPruned }: Retaining): AsyncDisposable {
  const over = new AbortController()
  let underWay: Promise<void> = Promise.resolve()
  const round = async () => {
    try {
      for await (const conversation of prune({ store, policy, now: clock.now() })) {
        log.info('deleted a conversation that is not to be kept any longer', { ...conversation })
        onPruned(conversation)
        if (over.signal.aborted) return
      }
    } catch (error) {
      if (!over.signal.aborted) log.warn('old conversations could not be deleted', { error })
    }
  }
  underWay = round()
  const timer = setInterval(() => {
    underWay = underWay.then(round)
  }, EVERY_MS).unref()
  return {
    async [Symbol.asyncDispose]() {
      over.abort()
      clearInterval(timer)
      await underWay
    },
  }
}
