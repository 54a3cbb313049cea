import { hostname, userInfo } from 'node:os'
import type { Actor } from '../core/access/tokens.ts'
import type { AccessStore, NewAuditEntry } from '../core/ports/access.ts'

/** Whoever may write to the data directory, as the audit trail calls them. */
export function operator(): Actor {
  return { who: 'operator', agent: 'claude-proxy', from: `${userInfo().username}@${hostname()}` }
}

/** Notes what a command has done, after it has. */
export function noteDone(
  store: Pick<AccessStore, 'addAudit'>,
  done: Pick<NewAuditEntry, 'action' | 'conversation' | 'folder' | 'detail'>,
): Promise<void> {
  return store.addAudit({ at: Date.now(), ...operator(), ...done })
}
