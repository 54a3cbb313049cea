import type { IncomingMessage } from 'node:http'
import { type Scope, SCOPES } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import { TOKEN_PREFIX, type Tokens } from '../core/access/tokens.ts'
import type { TokenId } from '../core/ports/access.ts'
import type { Forwarding } from './forwarded.ts'

/** Who has sent a request, and what they may. */
export interface Caller {
  /** The name of the token. `operator`: has the one of the configuration; `loopback`, `socket`: came that way, has none, and needs none. */
  readonly who: string
  /** Undefined for those who have no token of their own. */
  readonly token: TokenId | undefined
  readonly scopes: ReadonlySet<Scope>
  /** The folders that they may see; undefined: all. */
  readonly roots: readonly string[] | undefined
  /** The program, by the name that it gives itself. */
  readonly agent: string | undefined
  /** The address that it comes from; undefined where there are none. */
  readonly from: string | undefined
}

export interface Entrance {
  /** The token that opens everything; empty where there is none. */
  readonly token: string
  /** Whether nobody comes in without a token. It always is where `token` is set. */
  readonly requireToken: boolean
  /** What they are called who come by this way without a token. */
  readonly unnamed: 'loopback' | 'socket'
}

/** Tells who sends a request; throws where a token is asked for and it carries none that opens anything. */
export function createEntrance(tokens: Tokens, forwarding: Forwarding, { token, requireToken, unnamed }: Entrance) {
  return async function callerOf(request: IncomingMessage): Promise<Caller> {
    const given = bearerOf(request)
    if (given !== '' && token !== '' && isSame(given, token))
      return withoutName('operator', sourceOf(request, forwarding))
    // Also where none is needed: whoever shows a token wants to be who it says, with no more than it allows.
    if (given.startsWith(TOKEN_PREFIX)) {
      const found = await tokens.of(given)
      if (!found) throw new AppError('unauthorized', 'This token was revoked, has expired, or is none of ours.')
      const { id, name, scopes, roots } = found
      return { who: name, token: id, scopes: new Set(scopes), roots, ...sourceOf(request, forwarding) }
    }
    if (token === '' && !requireToken) return withoutName(unnamed, sourceOf(request, forwarding))
    throw new AppError('unauthorized', 'This service asks for its token: Authorization: Bearer <token>.')
  }
}

/** Throws when the caller may not do what belongs to `scope`. */
export function expectScope({ scopes, who }: Caller, scope: Scope): void {
  if (scopes.has(scope)) return
  throw new AppError('forbidden_scope', `The token "${who}" is not for this: it lacks the scope ${scope}.`, {
    needed: scope,
  })
}

/** Whether the caller may decide what the agent would ask a person for. */
export function mayDecide({ scopes }: Caller): boolean {
  return scopes.has('approve')
}

/** Who that is to others: the name of their token, or without one the name that their program gives itself. */
export function nameOf({ token, who, agent }: Caller): string {
  return token === undefined ? (agent ?? 'client') : who
}

const EVERYTHING: ReadonlySet<Scope> = new Set(SCOPES)

function withoutName(who: 'operator' | Entrance['unnamed'], source: Source): Caller {
  return { who, token: undefined, scopes: EVERYTHING, roots: undefined, ...source }
}

type Source = Pick<Caller, 'agent' | 'from'>

function sourceOf(request: IncomingMessage, forwarding: Forwarding): Source {
  return { agent: request.headers['user-agent']?.slice(0, 200) || undefined, from: forwarding.addressOf(request) }
}

function bearerOf({ headers: { authorization = '' } }: IncomingMessage): string {
  return /^Bearer +([^ ].*)$/i.exec(authorization)?.[1] ?? ''
}

/** Against measuring how much of a guess is right. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)]
  // Not loaded at the start: most services have no token.
  const { timingSafeEqual } = process.getBuiltinModule('node:crypto')
  return a.length === b.length && timingSafeEqual(a, b)
}
