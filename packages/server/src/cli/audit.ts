import type { Config } from '../config.ts'
import type { AuditEntry } from '../core/ports/access.ts'
import { createLog } from '../log.ts'
import { openAccessBeside } from '../store/sqlite/beside.ts'
import { printable } from './printable.ts'
import { sinceWhen } from './spans.ts'

/** How many are read at once. */
const PAGE = 1000

/** `claude-proxy audit`: what was done, the oldest first; with `--json` a line of JSON for each. */
export async function showAudit(flags: Readonly<Record<string, string | undefined>>, config: Config): Promise<void> {
  const since = flags['since'] === undefined ? undefined : sinceWhen(flags['since'], Date.now())
  await using store = openAccessBeside({ dataDir: config.dataDir, log: createLog(config.logLevel) })
  for (let after = 0; ;) {
    const entries = await store.audit({ since, after, limit: PAGE })
    for (const entry of entries) process.stdout.write(`${flags['json'] === undefined ? line(entry) : json(entry)}\n`)
    after = entries.at(-1)?.number ?? after
    if (entries.length < PAGE) return
  }
}

function json({ at, ...entry }: AuditEntry): string {
  return JSON.stringify({ at: new Date(at).toISOString(), ...entry })
}

/** What clients say of themselves is shown so that it can do nothing to the terminal. */
function line({ at, who, agent, from, action, conversation, run, subject, folder, detail }: AuditEntry): string {
  const about = [conversation, run, subject, folder, detail].filter((each) => each !== undefined)
  const source = [from, agent].filter((each) => each !== undefined)
  return printable(`${new Date(at).toISOString()}  ${who} (${source.join(' ')})  ${action}  ${about.join(' ')}`)
}
