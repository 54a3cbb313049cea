let latest = { at: Number.NaN, text: '' }

/** A moment as it travels, in events and in answers: ISO 8601 in UTC, with milliseconds. */
export function timestamp(at: number): string {
  // A busy agent says several things in the same millisecond, and each time it costs as much as the rest of an event.
  if (at !== latest.at) latest = { at, text: new Date(at).toISOString() }
  return latest.text
}
