/** The name of the day that it is where this person is: `2026-11-23`. */
export function nameOfDay(date: Date): string {
  const [month, day] = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'))
  return `${date.getFullYear()}-${month}-${day}`
}

/** The day that was so many days before. */
export function daysBefore(date: Date, days: number): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - days)
}

/** All days from one to another, both included; their names sort as they follow one another. */
export function daysFrom(from: string, to: string): string[] {
  const days: string[] = []
  // In UTC, where no day is longer than another.
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS) days.push(new Date(at).toISOString().slice(0, 10))
  return days
}

const DAY_MS = 86_400_000

/** The top of an axis that has room for `most`: 1, 2 or 5 with noughts. */
export function topOf(most: number): number {
  if (!(most > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(most))
  return ([1, 2, 5].find((step) => step * power >= most) ?? 10) * power
}
