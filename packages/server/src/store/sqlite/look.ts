import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Store } from '../../core/ports/store.ts'
import { readAccess } from './access.ts'
import { readConversations, toConversation } from './conversations.ts'
import { refuseHalfRestored } from './data-dir.ts'
import { readEvents } from './events.ts'
import { checkVersion } from './migrate.ts'
import { connect, type Database } from './open.ts'
import { readRetention } from './retention.ts'
import { readRuns } from './runs.ts'
import { readUsage } from './usage.ts'

/** What can be asked of a data directory without having it: a service may be at work there, or none. */
export interface Look
  extends Pick<Store, 'conversation' | 'page' | 'openRuns' | 'usage' | 'atRest' | 'footprint' | 'tokens'>, Disposable {}

/** Opens what is kept in `dataDir` and changes nothing in it. */
export function lookInto(dataDir: string): Look {
  const db = openToLook(dataDir)
  const conversations = readConversations(db)
  const events = readEvents(db)
  const runs = readRuns(db)
  const access = readAccess(db)
  const usage = readUsage(db)
  const retention = readRetention(db)
  return {
    conversation: (id) =>
      Promise.try(() => {
        const row = conversations.byId(id)
        return row && toConversation(row)
      }),
    page: (id, after, atMostBytes) => Promise.try(() => events.page(id, after, atMostBytes)),
    openRuns: () => Promise.try(() => runs.openRuns()),
    tokens: () => Promise.try(() => access.tokens()),
    usage: (query) => Promise.try(() => usage.usage(query)),
    atRest: (query) => Promise.try(() => retention.atRest(query)),
    footprint: () => Promise.try(() => retention.footprint()),
    [Symbol.dispose]: () => db.close(),
  }
}

/** The database of `dataDir` for reading, if it is one that this program knows in full. */
export function openToLook(dataDir: string): Database {
  refuseHalfRestored(dataDir)
  const file = join(dataDir, 'claude-proxy.db')
  if (!existsSync(file)) throw new AppError('storage_unavailable', `Nothing is kept in ${dataDir}.`, { dataDir })
  const db = connect(file, true)
  try {
    checkVersion(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
