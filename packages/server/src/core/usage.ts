import { AppError } from '@claude-proxy/protocol/errors'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { Store } from './ports/store.ts'
import type { UsagePeriod, UsageSum } from './ports/usage.ts'

export interface UsageRequest {
  readonly by: 'day' | 'folder' | 'model' | 'conversation'
  /** Days as `2026-11-23`, both included; without them, the last thirty. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Whose days; an IANA name. */
  readonly timeZone: string
  readonly folder?: Folder | undefined
}

/** What was used, told apart as it was asked for, and altogether. */
export interface UsageReport extends Omit<UsageRequest, 'folder'> {
  readonly from: string
  readonly to: string
  /** By day, in their order; else the dearest first. `key`: the day, folder, model or conversation. */
  readonly entries: readonly UsageEntry[]
  readonly total: UsageSum
  /** Whether there are more entries than were asked for at once. */
  readonly isCut: boolean
}

export interface UsageEntry extends Omit<UsageSum, 'key'> {
  readonly key: string | undefined
}

/** How many days there may be, and how many entries are told. */
const MOST = 1000
const USUAL_DAYS = 30

/** What the runs that ended in some days used. */
export async function reportUsage(
  store: Pick<Store, 'usage'>,
  { by, timeZone, folder, ...asked }: UsageRequest,
  now: number,
): Promise<UsageReport> {
  checkTimeZone(timeZone)
  const to = asked.to ?? today(now, timeZone)
  const from = asked.from ?? dayAfter(to, 1 - USUAL_DAYS)
  const days = daysFrom(from, to)
  const periods = by === 'day' ? days.map((day) => periodOf(day, day, timeZone)) : [periodOf(from, to, timeZone)]
  const whole = { by: 'period', periods: [periodOf(from, to, timeZone)], folder, limit: 1 } as const
  const [sums, [total = { ...NOTHING, key: 0 }]] = await Promise.all([
    store.usage({ by: by === 'day' ? 'period' : by, periods, folder, limit: MOST + 1 }),
    store.usage(whole),
  ])
  const toEntry = (sum: UsageSum): UsageEntry => ({
    ...sum,
    key: by === 'day' ? days[Number(sum.key)] : sum.key?.toString(),
  })
  const entries = sums.slice(0, MOST).map((sum) => toEntry(sum))
  return { by, timeZone, from, to, entries, total, isCut: sums.length > MOST }
}

const NOTHING = {
  runs: 0,
  succeeded: 0,
  interrupted: 0,
  durationMs: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  costUsd: undefined,
}

/** From the beginning of one day to the end of another, where their clocks are set so. A day may have 23 or 25 hours. */
function periodOf(first: string, last: string, timeZone: string): UsagePeriod {
  return { from: beginOf(first, timeZone), to: beginOf(dayAfter(last, 1), timeZone) }
}

function beginOf(day: string, timeZone: string): number {
  return Temporal.PlainDate.from(day).toZonedDateTime(timeZone).epochMilliseconds
}

function today(now: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone).toPlainDate().toString()
}

function dayAfter(day: string, days: number): string {
  return Temporal.PlainDate.from(day).add({ days }).toString()
}

function daysFrom(from: string, to: string): string[] {
  const { days } = Temporal.PlainDate.from(from).until(to)
  if (days < 0) throw new AppError('bad_request', `${to} comes before ${from}.`)
  if (days >= MOST) throw new AppError('bad_request', `From ${from} to ${to} are more than ${MOST} days.`)
  return Array.from({ length: days + 1 }, (_, n) => dayAfter(from, n))
}

function checkTimeZone(timeZone: string): void {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone)
  } catch (cause) {
    throw new AppError('bad_request', `There is no time zone ${timeZone}.`, {}, { cause })
  }
}
