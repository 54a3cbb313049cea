import type { EndpointName } from '@claude-proxy/protocol/endpoints'
import type { AccessStore, NewAuditEntry } from '../core/ports/access.ts'
import type { Clock, Log } from '../core/ports/outside.ts'
import type { Caller } from './caller.ts'

/** What was done, besides who did it and at which door. */
export type Deed = Pick<NewAuditEntry, 'conversation' | 'run' | 'subject' | 'folder' | 'detail'>

export interface RecordDeps {
  readonly store: Pick<AccessStore, 'addAudit'>
  readonly clock: Clock
  readonly log: Log
}

/** How long an entry waits that could not be stored. */
const RETRY_MS = 1000
/** So many wait at most: what comes then is in the log alone. */
const MOST_LATE = 1000

/**
 * Notes what a request has changed, before it is answered. It is another transaction than the change itself, which has
 * happened whatever becomes of it: an entry that cannot be stored now (the disk is full) is stored as soon as it can be.
 * What a crash comes between is not noted.
 */
export function createRecord({ store, clock, log }: RecordDeps) {
  const late: NewAuditEntry[] = []
  let timer: NodeJS.Timeout | undefined

  async function note(entry: NewAuditEntry): Promise<void> {
    try {
      await store.addAudit(entry)
    } catch (error) {
      const isKept = late.length < MOST_LATE
      if (isKept) late.push(entry)
      log.error(`what was done is not in the audit trail${isKept ? ' yet' : ''}`, { entry, error })
      wait()
    }
  }

  function wait(): void {
    timer ??= setTimeout(() => void catchUp(), RETRY_MS).unref()
  }

  async function catchUp(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    for (let entry = late.shift(); entry; entry = late.shift()) {
      try {
        await store.addAudit(entry)
      } catch {
        // That it is missing was told when it came.
        late.unshift(entry)
        return wait()
      }
    }
  }

  return {
    of:
      (action: EndpointName, { who, agent, from }: Caller) =>
      (deed: Deed): Promise<void> =>
        note({ at: clock.now(), who, agent, from, action, ...deed }),

    /** Tries once more with what could not be stored. */
    async close(): Promise<void> {
      await catchUp()
      clearTimeout(timer)
    },
  }
}
