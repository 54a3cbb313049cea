import type { EndpointName, Scope } from '@claude-proxy/protocol/endpoints'

/** 32 hex digits. */
export type TokenId = string & { readonly __brand: 'TokenId' }

/** A token by its name. What its bearer says is not kept, only a digest of it. */
export interface Token {
  readonly id: TokenId
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Folders that it is for, with all below; undefined: wherever the operator allows. Real paths. */
  readonly roots: readonly string[] | undefined
  readonly createdAt: number
  readonly expiresAt: number | undefined
}

export interface NewToken extends Token {
  /** SHA-256 of what its bearer says, in hex. */
  readonly digest: string
}

/** What was done: a door by its name in the table of endpoints, or a command of the operator's, which has none. */
export type AuditAction = EndpointName | 'createToken' | 'revokeToken' | 'backup' | 'import' | 'prune' | 'restore'

/** Something that somebody did. */
export interface NewAuditEntry {
  readonly at: number
  /** The name of the token; without one, `operator` or `loopback`. */
  readonly who: string
  /** The program, by the name that it gives itself. */
  readonly agent: string | undefined
  /** The address it came from. */
  readonly from: string | undefined
  readonly action: AuditAction
  readonly conversation?: string | undefined
  readonly run?: string | undefined
  /** What else it was about: the id of an approval, a rule, a prompt, an upload, a token. */
  readonly subject?: string | undefined
  readonly folder?: string | undefined
  /** What came of it, in a word or a few. */
  readonly detail?: string | undefined
}

export interface AuditEntry extends NewAuditEntry {
  /** Ascending; none is given twice. */
  readonly number: number
}

export interface AuditFilter {
  /** Not before this time. */
  readonly since?: number | undefined
  /** Behind this number. */
  readonly after?: number | undefined
  /** Only what was done in these folders and below. */
  readonly within?: readonly string[] | undefined
  readonly limit: number
}

/** Who may come in, and who did what. Another process may change it while the service runs. */
export interface AccessStore {
  /** Keeps a token, with the entry that says so. False, and nothing kept, when the name is taken. */
  createToken(token: NewToken, entry: NewAuditEntry): Promise<boolean>
  /** Forgets a token, with the entry that says so. False when it is not there. */
  revokeToken(id: TokenId, entry: NewAuditEntry): Promise<boolean>
  /** By age, the oldest first. */
  tokens(): Promise<Token[]>
  tokenOf(digest: string): Promise<Token | undefined>
  token(id: TokenId): Promise<Token | undefined>

  addAudit(entry: NewAuditEntry): Promise<void>
  /** The oldest first. */
  audit(filter: AuditFilter): Promise<AuditEntry[]>
  /** Forgets some entries that are older than `before`; how many. 0: there are none left. */
  forgetAudit(before: number): Promise<number>
}
