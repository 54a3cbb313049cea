import { writeSync } from 'node:fs'
import { createBell } from '../../src/core/log/bell.ts'
import { createIndexer } from '../../src/core/search/indexer.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { openSqliteSearch } from '../../src/store/sqlite/search/search.ts'

/** A process that indexes what is in a data directory, and prints a line for each transaction that was done. */
const [dataDir = ''] = process.argv.slice(2)
const log = { info() {}, warn: console.error, error: console.error }
const store = await openSqliteStore({ dataDir, log })
const index = openSqliteSearch({ dataDir, log })
const telling = {
  ...index,
  async catchUp(...asked: Parameters<typeof index.catchUp>) {
    const looked = await index.catchUp(...asked)
    writeSync(1, 'caught up\n')
    return looked
  },
}
createIndexer({ store, index: telling, bell: createBell(), clock: Date, log, pauseMs: 1, retryMs: 1 }).start()
