import type { Random } from './random.ts'

/** One way to try to break the promise. It throws at the first thing that does not hold. */
export interface Part {
  readonly name: string
  /** What is done and what has to hold, in one sentence. */
  readonly sentence: string
  /** Resolves to what was done, in figures: one line each. */
  readonly run: (context: Context) => Promise<readonly string[]>
}

export interface Context {
  /** The short version, which is part of the tests. */
  readonly brief: boolean
  /** Every choice comes from here, so that a seed repeats it as far as two machines are ever alike. */
  readonly random: Random
  /** Aborts when the part is to end before its time. */
  readonly signal: AbortSignal
  /** A folder for whatever a part writes, a real path; removed at the end. */
  readonly scratch: string
  /** Says on stderr what goes on. */
  readonly say: (text: string) => void
}
