import type { Config } from '../config.ts'
import { backUp } from '../store/sqlite/backup/backup.ts'

/** `claude-proxy backup FILE`: works beside a running service. */
export async function backup(file: string, config: Config): Promise<void> {
  const { conversations, attachments, bytes } = await backUp(config.dataDir, file)
  const size = `${(bytes / 1024 ** 2).toFixed(1)} MiB`
  process.stdout.write(`${file}: ${conversations} conversations, ${attachments} attachments, ${size}, checked\n`)
}
