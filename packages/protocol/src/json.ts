/** A JSON value, as it travels. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const OUTSIDE_ASCII = /[\u007f-\uffff]/g

/**
 * `value` as one line of JSON in pure ASCII: everything above U+007E is written as `\uXXXX`.
 *
 * A client that decodes each network packet on its own cannot cut a character in half, and byte counts equal
 * character counts (PROTOCOL.md section 2).
 */
export function toLine(value: unknown): string {
  return escapeNonAscii(JSON.stringify(value))
}

/** `json` with everything above U+007E escaped; any other byte stays as it is. */
export function escapeNonAscii(json: string): string {
  return json.replace(OUTSIDE_ASCII, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
