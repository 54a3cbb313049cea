import type { Clock } from './ports/outside.ts'

/** Now, as events tell it: ISO 8601 in UTC, with milliseconds. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}
