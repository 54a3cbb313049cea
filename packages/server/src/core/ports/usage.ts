import type { Folder } from '@claude-proxy/protocol/ids'

/** What sums are told apart by. */
export type UsageGroup = 'period' | 'folder' | 'model' | 'conversation'

/** Time from `from` up to `to`, in quarters of an hour: whoever asks for less gets the quarters that begin in it. */
export interface UsagePeriod {
  readonly from: number
  readonly to: number
}

export interface UsageQuery {
  readonly by: UsageGroup
  /** None overlaps another. */
  readonly periods: readonly UsagePeriod[]
  readonly folder?: Folder | undefined
  /** Only in these folders, and below them. */
  readonly within?: readonly string[] | undefined
  /** How many sums at most; the dearest come first, or the earliest periods. */
  readonly limit: number
}

/** What the runs that ended in the periods used, also those of conversations that are deleted by now. */
export interface UsageSum {
  /** The number of its period, the folder, the model or the conversation; undefined for deleted conversations. */
  readonly key: number | string | undefined
  /** By model: those that used it. */
  readonly runs: number
  readonly succeeded: number
  readonly interrupted: number
  readonly durationMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheCreationTokens: number
  /** Undefined where no agent gave an estimate. */
  readonly costUsd: number | undefined
}

/** The unit of periods. Every time zone of today is some quarters of an hour away from UTC. */
export const QUARTER_MS = 900_000
