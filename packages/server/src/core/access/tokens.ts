import { createHash } from 'node:crypto'
import type { Scope } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AccessStore, NewAuditEntry, Token, TokenId } from '../ports/access.ts'
import type { Clock } from '../ports/outside.ts'

/** What is asked for when a token is made. */
export interface TokenRequest {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Real paths. */
  readonly roots: readonly string[] | undefined
  readonly expiresAt: number | undefined
}

/** Who does it, for the audit trail. */
export type Actor = Pick<NewAuditEntry, 'who' | 'agent' | 'from'>

export interface TokensDeps {
  readonly store: AccessStore
  readonly clock: Clock
  readonly newId: () => string
  readonly newSecret: () => Uint8Array
}

/** What every token of ours begins with, so that a person or a scanner of secrets knows it for one. */
export const TOKEN_PREFIX = 'cproxy_'

/** Names that stand for those who come without a token of their own. */
const RESERVED = new Set(['operator', 'loopback', 'socket', 'client', 'service', 'deadline'])

export type Tokens = ReturnType<typeof createTokens>

/** Tokens that have a name, each for some things and some folders, and until it is revoked or expires. */
export function createTokens({ store, clock, newId, newSecret }: TokensDeps) {
  async function named(nameOrId: string): Promise<Token | undefined> {
    const all = await store.tokens()
    return all.find(({ name }) => name === nameOrId) ?? all.find(({ id }) => id === nameOrId)
  }

  return {
    /** Makes a token. What its bearer has to say is told here once, and is kept nowhere. */
    async create({ name, scopes, roots, expiresAt }: TokenRequest, actor: Actor): Promise<Token & { secret: string }> {
      if (!/^[A-Za-z0-9][\w.@-]{0,63}$/.test(name) || RESERVED.has(name))
        throw new AppError('bad_request', `"${name}" cannot be the name of a token.`)
      if (scopes.length === 0) throw new AppError('bad_request', 'A token has to be for something.')
      if (roots?.length === 0) throw new AppError('bad_request', 'A token that is for no folder is for nothing.')
      const secret = `${TOKEN_PREFIX}${Buffer.from(newSecret()).toString('base64url')}`
      const at = clock.now()
      const token: Token = { id: newId() as TokenId, name, scopes, roots, createdAt: at, expiresAt }
      const detail = [`"${name}"`, scopes.join(','), ...(roots ?? [])].join(' ')
      const entry = { ...actor, at, action: 'createToken', subject: token.id, detail } as const
      if (await store.createToken({ ...token, digest: digestOf(secret) }, entry)) return { ...token, secret }
      throw new AppError('bad_request', `There is a token "${name}" already; revoke it first, or take another name.`)
    },

    /** From now on it opens nothing. Undefined when there is no such token. */
    async revoke(nameOrId: string, actor: Actor): Promise<Token | undefined> {
      const token = await named(nameOrId)
      if (!token) return undefined
      const entry = { ...actor, at: clock.now(), action: 'revokeToken', subject: token.id, detail: `"${token.name}"` }
      return (await store.revokeToken(token.id, { ...entry, action: 'revokeToken' })) ? token : undefined
    },

    /** The token of somebody who says `secret`, if it opens anything now. Asked for each request: it may be revoked. */
    async of(secret: string): Promise<Token | undefined> {
      const token = await store.tokenOf(digestOf(secret))
      return token && isValid(token) ? token : undefined
    },

    /** Whether it still opens what it did. */
    async holds(id: TokenId): Promise<boolean> {
      const token = await store.token(id)
      return token !== undefined && isValid(token)
    },
  }

  function isValid({ expiresAt }: Token): boolean {
    return expiresAt === undefined || clock.now() < expiresAt
  }
}

/**
 * One quick round of SHA-256 is enough: what is digested is 256 random bits, which nobody guesses however fast they try.
 * A slow digest makes up for passwords that people think of, and here would only make every request slow. That the store
 * finds it by its digest also tells nothing by the time it takes: nobody can choose a digest a character at a time.
 */
function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
