import type { Scope } from '@claude-proxy/protocol/endpoints'
import type { AuditEntry, AuditFilter, NewAuditEntry, NewToken, Token, TokenId } from '../../core/ports/access.ts'
import { isBelow } from './below.ts'
import type { Database } from './open.ts'

/** Finding tokens, and what was done. */
export function readAccess(db: Database) {
  const all = db.prepare<TokenRow>('SELECT * FROM token ORDER BY created_at, id')
  const byDigest = db.prepare<TokenRow>('SELECT * FROM token WHERE digest = ?')
  const byId = db.prepare<TokenRow>('SELECT * FROM token WHERE id = ?')
  // A time names a stretch of numbers: they ascend together, but for a clock that was set back.
  const entries = db.prepare<AuditRow>('SELECT n, entry FROM audit WHERE n > ? AND at >= ? ORDER BY n LIMIT ?')
  const entriesWithin = db.prepare<AuditRow>(
    `SELECT n, entry FROM audit WHERE n > ? AND at >= ? AND ${isBelow('folder')} ORDER BY n LIMIT ?`,
  )
  return {
    tokens: () => all.all().map((row) => toToken(row)),
    tokenOf: (digest: string) => toToken(byDigest.get(digest)),
    token: (id: TokenId) => toToken(byId.get(id)),
    audit({ since = 0, after = 0, within, limit }: AuditFilter): AuditEntry[] {
      const rows = within
        ? entriesWithin.all(after, since, JSON.stringify(within), limit)
        : entries.all(after, since, limit)
      return rows.map(({ n, entry }) => Object.assign({ number: n }, JSON.parse(entry)))
    },
  }
}

/** How many entries one step forgets: who wants to commit meanwhile waits for it. */
const STEP = 500

export function accessOperations(db: Database) {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO token (id, name, digest, scopes, roots, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const remove = db.prepare('DELETE FROM token WHERE id = ?')
  const note = db.prepare('INSERT INTO audit (at, folder, entry) VALUES (?, ?, ?)')
  const forget = db.prepare(
    `DELETE FROM audit WHERE n IN (SELECT n FROM audit INDEXED BY audit_at WHERE at < ? ORDER BY at LIMIT ${STEP})`,
  )

  function addAudit(entry: NewAuditEntry): void {
    note.run(entry.at, entry.folder ?? null, JSON.stringify(entry))
  }

  return {
    createToken({ token, entry }: { token: NewToken; entry: NewAuditEntry }): boolean {
      const { id, name, digest, scopes, roots, createdAt, expiresAt } = token
      const listed = roots ? JSON.stringify(roots) : null
      const { changes } = insert.run(id, name, digest, JSON.stringify(scopes), listed, createdAt, expiresAt ?? null)
      if (changes === 0) return false
      addAudit(entry)
      return true
    },
    revokeToken({ id, entry }: { id: TokenId; entry: NewAuditEntry }): boolean {
      if (remove.run(id).changes === 0) return false
      addAudit(entry)
      return true
    },
    addAudit,
    forgetAudit: (before: number): number => Number(forget.run(before).changes),
  }
}

interface TokenRow {
  readonly id: TokenId
  readonly name: string
  readonly scopes: string
  readonly roots: string | null
  readonly created_at: number
  readonly expires_at: number | null
}

interface AuditRow {
  readonly n: number
  readonly entry: string
}

function toToken(row: TokenRow): Token
function toToken(row: TokenRow | undefined): Token | undefined
function toToken(row: TokenRow | undefined): Token | undefined {
  if (!row) return undefined
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as Scope[],
    roots: row.roots === null ? undefined : JSON.parse(row.roots),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
  }
}
