import { AppError } from '@claude-proxy/protocol/errors'
import { UsageQuery } from '@claude-proxy/protocol/requests'
import type { Config } from '../config.ts'
import { folderOrSpelling } from '../core/folders.ts'
import { reportUsage, type UsageReport } from '../core/usage.ts'
import type { UsageSum } from '../core/ports/usage.ts'
import { usageBody } from '../http/usage-body.ts'
import { lookInto } from '../store/sqlite/look.ts'
import { printable } from './printable.ts'
import { table } from './table.ts'

/** `claude-proxy usage`: what runs cost, as a table, or as the JSON of `GET /v1/usage`. */
export async function showUsage(given: Readonly<Record<string, string>>, config: Config): Promise<void> {
  const read = UsageQuery.safeParse(given)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new AppError('bad_request', `--${String(issue?.path[0])}: ${issue?.message}`)
  }
  const { by, from, to, tz, cwd } = read.data
  using look = lookInto(config.dataDir)
  const folder = cwd === undefined ? undefined : await folderOrSpelling(cwd)
  const report = await reportUsage(look, { by, from, to, timeZone: tz, folder }, Date.now())
  process.stdout.write(
    given['json'] === undefined ? tableOf(report) : `${JSON.stringify(usageBody(report), null, 2)}\n`,
  )
}

function tableOf({ by, from, to, timeZone, entries, total, isCut }: UsageReport): string {
  const rows = entries.map((entry) => [printable(entry.key ?? '(deleted)'), ...cellsOf(entry, by !== 'model')])
  const head = [by, 'runs', 'failed', 'hours', 'input', 'output', 'cache read', 'cache write', 'USD']
  const sum = [isCut ? 'all, also what is not shown' : 'all', ...cellsOf(total, true)]
  return `${from} to ${to}, ${timeZone}\n\n${table([head, ...rows, sum])}`
}

function cellsOf(sum: Omit<UsageSum, 'key'>, isWhole: boolean): string[] {
  const { runs, succeeded, interrupted, durationMs, costUsd } = sum
  const whole = isWhole ? [String(runs - succeeded - interrupted), (durationMs / 3_600_000).toFixed(2)] : ['', '']
  const tokens = [sum.inputTokens, sum.outputTokens, sum.cacheReadTokens, sum.cacheCreationTokens].map(String)
  return [String(runs), ...whole, ...tokens, costUsd === undefined ? '' : costUsd.toFixed(4)]
}
