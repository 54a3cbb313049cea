import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemorySearch } from '../../src/store/memory/search.ts'
import { openSqliteSearch } from '../../src/store/sqlite/search/search.ts'
import { silent } from '../store/temporary.ts'
import { searchContract } from './search.ts'

searchContract('memory', () => {
  const index = createMemorySearch()
  return Promise.resolve({ index, discard: () => index.close() })
})

searchContract('sqlite', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'search-test-'))
  const index = openSqliteSearch({ dataDir, log: silent })
  return Promise.resolve({
    index,
    async discard() {
      await index.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  })
})
