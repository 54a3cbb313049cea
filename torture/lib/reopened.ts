import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { openSqliteStore } from '@claude-proxy/server/src/store/sqlite/store.ts'
import { type Expected, checkKept, openRun } from './checker.ts'
import { startProgram } from './program.ts'
import { readDatabase, type Stored } from './stored.ts'

type Kept = Omit<Expected, 'spoken'>

/** Opens the store on what a crash has left, reads from it what is expected, and looks into the database itself. */
export async function checkStore(dataDir: string, expected: Kept): Promise<readonly Stored[]> {
  const store = await openSqliteStore({ dataDir, log: { info() {}, warn() {}, error() {} } })
  try {
    for (const id of expected.ledger.conversations()) {
      const lines: string[] = []
      for (;;) {
        const page = await store.page(id as ConversationId, lines.length, 256 * 1024)
        if (page.count === 0) break
        const text = Buffer.from(page.lines).toString('latin1').split('\n')
        for (const line of text.slice(0, page.count)) lines.push(line)
      }
      expected.ledger.compare(id, lines)
    }
  } finally {
    await store.close()
  }
  const stored = readDatabase(join(dataDir, 'claude-proxy.db'))
  checkKept(stored, expected)
  return stored
}

/** The same with the whole program, which has to put in order what was cut off, and to stop when it is asked to. */
export async function checkProgram(dataDir: string, expected: Kept): Promise<readonly Stored[]> {
  const file = join(dataDir, 'claude-proxy.db')
  const program = await startProgram({ dataDir })
  try {
    for (const end = performance.now() + 20_000; openRun(readDatabase(file)); await sleep(50))
      if (performance.now() > end) throw new Error('a run that was cut off is not closed')
    program.signal('SIGTERM')
    const [code] = await program.exit
    if (code !== 0) throw new Error(`it ended with code ${code}: ${program.stderr}`)
  } finally {
    await program.kill()
  }
  const stored = readDatabase(file)
  checkKept(stored, expected)
  return stored
}
