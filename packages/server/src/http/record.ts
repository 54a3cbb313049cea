import type { EndpointName } from '@claude-proxy/protocol/endpoints'
import type { AccessStore, NewAuditEntry } from '../core/ports/access.ts'
import type { Clock } from '../core/ports/outside.ts'
import type { Caller } from './caller.ts'

/** What was done, besides who did it and at which door. */
export type Deed = Pick<NewAuditEntry, 'conversation' | 'run' | 'subject' | 'folder' | 'detail'>

/**
 * Notes what a request has changed, before it is answered. It is another transaction than the change itself: what a crash
 * comes between has happened and is not noted. If it cannot be noted, the request is answered with that.
 */
export function createRecord(store: Pick<AccessStore, 'addAudit'>, clock: Clock) {
  return (action: EndpointName, { who, agent, from }: Caller) =>
    async (deed: Deed): Promise<void> => {
      await store.addAudit({ at: clock.now(), who, agent, from, action, ...deed })
    }
}
