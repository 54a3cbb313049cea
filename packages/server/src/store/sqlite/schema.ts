import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { versionOf } from './migrate.ts'
import { connect } from './open.ts'

/** The schema version of the database in `dataDir`; 0 when there is none. Also while a service has it open. */
export function schemaOfData(dataDir: string): number {
  const file = join(dataDir, 'claude-proxy.db')
  if (!existsSync(file)) return 0
  const db = connect(file, true)
  try {
    return versionOf(db)
  } finally {
    db.close()
  }
}

/** The schema version that the release in `directory` brings a database to. */
export function schemaOfRelease(directory: string): number {
  const migrations = readdirSync(join(directory, 'packages/server/src/store/sqlite/migrations'))
  return Math.max(...migrations.filter((name) => name.endsWith('.sql')).map((name) => Number.parseInt(name, 10)))
}
