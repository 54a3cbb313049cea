import type { Config } from '../config.ts'
import { integrityOf } from '../store/sqlite/integrity.ts'
import { printable } from './printable.ts'

/** `claude-proxy integrity`: works beside a running service. */
export async function checkIntegrity({ dataDir }: Config): Promise<void> {
  const { conversations, events, attachments, findings } = await integrityOf(dataDir)
  for (const finding of findings) process.stdout.write(`${printable(finding)}\n`)
  const verdict = findings.length === 0 ? 'all is well' : `${findings.length} things are wrong`
  process.stdout.write(
    `${conversations} conversations, ${events} events, ${attachments} attachments in ${dataDir}: ${verdict}\n`,
  )
  if (findings.length > 0) process.exitCode = 1
}
