import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the service has written down, seen from outside: its database, read beside it. */
export interface Ledger extends Disposable {
  /** A text that changes when a conversation, a name, a folder, a run or a head does. Cheap while nothing is written. */
  readonly look: () => string
  /** Resolves when no run is open and no prompt waits for one, and what was deleted is gone; what is written from then on was asked for later. */
  readonly settled: (boundMs: number) => Promise<void>
}

export function openLedger(dataDir: string): Ledger {
  const db = new DatabaseSync(join(dataDir, 'claude-proxy.db'), { readOnly: true, timeout: 5000 })
  const version = db.prepare('PRAGMA data_version')
  const digest = db.prepare(`
    SELECT (SELECT json_array(count(*), sum(head), sum(updated_at), sum(length(grp)), sum(length(session_id)),
             sum(length(title)), sum(archived), sum(deleted)) FROM conversation) AS a,
           (SELECT json_array(count(*), sum(canonical)) FROM folder) AS b,
           (SELECT count(*) FROM alias) AS c,
           (SELECT json_array(count(*), sum(state = 'ended')) FROM run) AS d,
           (SELECT json_array(count(*), sum(length(text)), sum(position), sum(state = 'queued')) FROM prompt) AS e,
           (SELECT json_array(count(*), sum(state = 'pending')) FROM approval) AS f,
           (SELECT count(*) FROM approval_rule) AS g,
           (SELECT json_array(count(*), sum(bytes), count(unused_since)) FROM attachment) AS h`)
  const open = db.prepare(`
    SELECT (SELECT count(*) FROM run WHERE state <> 'ended') + (SELECT count(*) FROM prompt WHERE state = 'queued')
         + (SELECT count(*) FROM deletion) AS n`)
  let seen: unknown
  let text = ''

  return {
    look() {
      const now = version.get()?.['data_version']
      if (now !== seen) text = JSON.stringify(digest.get())
      seen = now
      return text
    },
    async settled(boundMs) {
      const deadline = performance.now() + boundMs
      while (open.get()?.['n'] !== 0) {
        if (performance.now() > deadline) throw new Error('a run did not end')
        await sleep(2)
      }
    },
    [Symbol.dispose]: () => db.close(),
  }
}
