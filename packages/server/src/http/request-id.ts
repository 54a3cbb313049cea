import type { IncomingHttpHeaders } from 'node:http'

export const REQUEST_ID = 'x-request-id'

/** Some proxies send a list, some a text without end: what is none of these becomes ours. */
const SANE = /^[A-Za-z0-9][\w.:+/=@-]{0,127}$/

/** By what a request is known in the log: what its client, or a proxy before us, calls it, else a new name. */
export function requestId(headers: IncomingHttpHeaders): string {
  const given = headers[REQUEST_ID]
  if (typeof given === 'string' && SANE.test(given)) return given
  // Its chance is drawn for many at once: drawn one by one it was a twentieth of what a returning reader costs.
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16)
}
