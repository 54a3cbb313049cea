import type { ServerResponse } from 'node:http'
import type { Tokens } from '../core/access/tokens.ts'
import type { TokenId } from '../core/ports/access.ts'
import type { Log } from '../core/ports/outside.ts'

/** How long what is open may go on with a token that opens nothing any more. */
const LOOK_MS = 2000

/** Breaks off what is open for a token once it is revoked or has expired. Its client comes back, and hears why. */
export function createRevocation(tokens: Pick<Tokens, 'holds'>, log: Log) {
  const open = new Map<TokenId, Set<ServerResponse>>()
  let looks: NodeJS.Timeout | undefined

  return {
    /** From now on until it is closed, the response depends on the token. */
    watch(token: TokenId, response: ServerResponse): void {
      // Its client has gone while its token was looked up: no end would come that could strike it off.
      if (response.closed) return
      const responses = open.get(token) ?? new Set()
      open.set(token, responses.add(response))
      looks ??= setInterval(() => void look(), LOOK_MS).unref()
      response.once('close', () => {
        responses.delete(response)
        if (responses.size === 0) open.delete(token)
        if (open.size > 0) return
        clearInterval(looks)
        looks = undefined
      })
    },
  }

  async function look(): Promise<void> {
    for (const [token, responses] of open) {
      try {
        if (!(await tokens.holds(token))) for (const response of responses) response.destroy()
      } catch (error) {
        log.warn('whether a token still holds could not be seen', { error })
      }
    }
  }
}
