import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { connect } from '../../src/store/sqlite/open.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'

/** A process that opens a store which has something to seal, and prints how many chunks are left whenever that changes. */
const [dataDir = ''] = process.argv.slice(2)
await openSqliteStore({ dataDir, log: { info() {}, warn: console.error, error: console.error } })
const chunks = connect(join(dataDir, 'claude-proxy.db'), true).prepare<{ n: number }>('SELECT count(*) AS n FROM chunk')
for (let before = -1; ; await setImmediate()) {
  const now = chunks.get()?.n ?? 0
  if (now !== before) writeSync(1, `${now}\n`)
  before = now
}
