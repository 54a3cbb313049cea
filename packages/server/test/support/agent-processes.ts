import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AgentProcess } from '../../src/core/ports/agent.ts'
import type { TestService } from './service.ts'

/** The agent processes that the service has written down as its own. */
export function agentProcesses({ dataDir }: TestService): AgentProcess[] {
  const database = new DatabaseSync(join(dataDir, 'claude-proxy.db'), { readOnly: true })
  try {
    const rows = database.prepare('SELECT pid, started_at FROM process').all()
    return rows.map((row) => ({ pid: Number(row['pid']), startedAt: String(row['started_at']) }))
  } finally {
    database.close()
  }
}
