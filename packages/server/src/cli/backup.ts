import type { Config } from '../config.ts'
import { createLog } from '../log.ts'
import { backUp } from '../store/sqlite/backup/backup.ts'
import { openAccessBeside } from '../store/sqlite/beside.ts'
import { noteDone } from './operator.ts'

/** `claude-proxy backup FILE`: works beside a running service. All that was ever said leaves by it, so that it is noted. */
export async function backup(file: string, { dataDir, logLevel }: Config): Promise<void> {
  const { conversations, attachments, bytes } = await backUp(dataDir, file)
  const size = `${(bytes / 1024 ** 2).toFixed(1)} MiB`
  process.stdout.write(`${file}: ${conversations} conversations, ${attachments} attachments, ${size}, checked\n`)
  await using store = openAccessBeside({ dataDir, log: createLog(logLevel) })
  await noteDone(store, { action: 'backup', detail: file })
}
