import { ConfigError } from '../config.ts'

/** The time that a span such as `90d` from now leads to, or a date as ISO 8601 writes it. */
export function untilWhen(text: string, now: number): number {
  const at = spanOf(text) === undefined ? Date.parse(text) : now + (spanOf(text) ?? 0)
  if (at > now && at <= LATEST) return at
  throw new ConfigError(`"${text}" is no time to come: give a span such as 90d or 12h, or a date such as 2027-01-31.`)
}

/** The time that a span such as `7d` ago was, or a date as ISO 8601 writes it. */
export function sinceWhen(text: string, now: number): number {
  const span = spanOf(text)
  const at = span === undefined ? Date.parse(text) : now - span
  if (at >= 0 && at <= LATEST) return at
  throw new ConfigError(`"${text}" is no time: give a span such as 7d or 12h, or a date such as 2027-01-31.`)
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 }
/** The latest that a date can be written. */
const LATEST = 8.64e15

function spanOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  return count === undefined ? undefined : Number(count) * UNITS[unit as keyof typeof UNITS]
}
