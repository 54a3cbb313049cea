/** How long a key is kept: a client that comes back after a day finds what its request came to. */
export const KEEP_REQUESTS_MS = 48 * 3_600_000

/** A short name for what a request asks: the same for the same, another for anything else. */
export async function digestOf(asked: unknown): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', Buffer.from(JSON.stringify(asked)))
  return Buffer.from(bytes).toString('base64url')
}
