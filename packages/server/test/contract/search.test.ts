import { createMemorySearch } from '../../src/store/memory/search.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { openSqliteSearch } from '../../src/store/sqlite/search/search.ts'
import { openTemporary, silent } from '../store/temporary.ts'
import { searchContract } from './search.ts'

searchContract('memory', () => {
  const store = createMemoryStore()
  const index = createMemorySearch(store)
  return Promise.resolve({ store, index, discard: () => index.close() })
})

searchContract('sqlite', async () => {
  const opened = await openTemporary()
  const { store, dataDir } = opened
  const index = openSqliteSearch({ dataDir, log: silent })
  return {
    store,
    index,
    async discard() {
      await index.close()
      await opened.discard()
    },
  }
})
