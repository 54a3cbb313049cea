import type { AgentProcess } from '../../core/ports/agent.ts'
import type { Database } from './open.ts'

/** The agent processes that are believed to be alive. */
export function readProcesses(db: Database) {
  const all = db.prepare<AgentProcess>('SELECT pid, started_at AS startedAt FROM process ORDER BY pid, started_at')
  return {
    processes: (): AgentProcess[] => all.all().map(({ pid, startedAt }) => ({ pid, startedAt })),
  }
}

export function processOperations(db: Database) {
  const add = db.prepare('INSERT OR IGNORE INTO process (pid, started_at) VALUES (?, ?)')
  const remove = db.prepare('DELETE FROM process WHERE pid = ? AND started_at = ?')
  return {
    addProcess({ pid, startedAt }: AgentProcess): void {
      add.run(pid, startedAt)
    },
    removeProcess({ pid, startedAt }: AgentProcess): void {
      remove.run(pid, startedAt)
    },
  }
}
