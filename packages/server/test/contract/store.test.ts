import { createMemoryStore } from '../../src/store/memory/store.ts'
import { openTemporary } from '../store/temporary.ts'
import { storeContract } from './store.ts'

storeContract('memory', () => {
  const store = createMemoryStore()
  return Promise.resolve({ store, discard: () => store.close() })
})

storeContract('sqlite', openTemporary)
