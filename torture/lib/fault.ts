import type { Context } from './part.ts'

/** Something that goes wrong around the service. It throws when the service does not stand it. */
export interface Fault {
  readonly name: string
  /** Belongs to the short version whatever the seed; `never` takes too long for it. */
  readonly brief: 'always' | 'sometimes' | 'never'
  /** Why it cannot be tried on this machine; undefined when it can. */
  readonly skipped?: () => string | undefined
  /** Resolves to what was seen, in one line. */
  readonly run: (context: Context) => Promise<string>
}
