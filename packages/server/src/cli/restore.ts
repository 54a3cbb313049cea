import type { Config } from '../config.ts'
import { settleRestored } from '../core/runs/settle.ts'
import { createLog } from '../log.ts'
import { restore } from '../store/sqlite/backup/restore.ts'
import { noteDone } from './operator.ts'

/** `claude-proxy restore FILE`: while no service has the data directory. */
export async function restoreBackup(file: string, aside: boolean, { dataDir, logLevel }: Config): Promise<void> {
  const { attachments, aside: moved } = await restore({
    file,
    dataDir,
    aside,
    async settle(store) {
      await settleRestored(store, { now: Date.now })
      await noteDone(store, { action: 'restore', detail: file })
    },
    now: new Date(),
    log: createLog(logLevel),
  })
  process.stdout.write(`Restored into ${dataDir}, with ${attachments} attachments.\n`)
  if (moved !== undefined)
    process.stdout.write(`What was there is in ${moved} now; remove it when you need it no more.\n`)
}
