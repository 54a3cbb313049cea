/** What a part of the benchmark is, and what it is given. */
export interface Part {
  readonly name: string
  /** What is measured, in one sentence. */
  readonly sentence: string
  readonly run: (context: Context) => Promise<Row[]>
  readonly growth?: Growth
}

export interface Context {
  /** Only whether it works: small sizes, one round. */
  readonly brief: boolean
  /** How often candidate and baseline take turns. */
  readonly rounds: number
  readonly signal: AbortSignal
  /** A folder for whatever a part writes; removed at the end. */
  readonly scratch: string
  /** A file descriptor for each reader: how many there may be. */
  readonly mostSockets: number
  /** Says on stderr what goes on. */
  readonly say: (text: string) => void
}

/** How the cost of a part grows with its size. */
export interface Growth {
  /** What the sizes count. */
  readonly axis: string
  /** What the cost is and its unit. */
  readonly cost: string
  /** flat: the cost should not depend on the size; linear: it may grow as the size does. */
  readonly shape: 'flat' | 'linear'
  readonly sizes: readonly number[]
  readonly measure: (context: Context, size: number) => Promise<number>
}

/** One line of the table. `candidate` and `baseline` hold one figure a round, in the order they were measured. */
export interface Row {
  readonly what: string
  readonly unit: string
  readonly candidate: readonly number[]
  /** What the candidate is held against, in words. */
  readonly against?: string
  readonly baseline?: readonly number[]
  readonly target?: Target
  readonly note?: string
}

/** What is to be reached: by the ratio candidate / baseline, or by the candidate's own figure. */
export interface Target {
  readonly of: 'ratio' | 'candidate'
  readonly atMost?: number
  readonly atLeast?: number
}

export const ratioAtMost = (atMost: number): Target => ({ of: 'ratio', atMost })
export const ratioAtLeast = (atLeast: number): Target => ({ of: 'ratio', atLeast })
export const atMost = (limit: number): Target => ({ of: 'candidate', atMost: limit })
