import type { AuditEntry, AuditFilter, NewAuditEntry, NewToken, Token, TokenId } from '../../core/ports/access.ts'
import { isBelow } from '../../core/folders.ts'
import type { State } from './state.ts'

export function createToken(state: State, { digest, ...token }: NewToken, entry: NewAuditEntry): boolean {
  const isTaken = [...state.tokens.values()].some((each) => each.token.name === token.name || each.digest === digest)
  if (isTaken || state.tokens.has(token.id)) return false
  state.tokens.set(token.id, { token, digest })
  addAudit(state, entry)
  return true
}

export function revokeToken(state: State, id: TokenId, entry: NewAuditEntry): boolean {
  if (!state.tokens.delete(id)) return false
  addAudit(state, entry)
  return true
}

export function tokens(state: State): Token[] {
  return [...state.tokens.values()]
    .map(({ token }) => token)
    .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
}

export function tokenOf(state: State, digest: string): Token | undefined {
  return [...state.tokens.values()].find((each) => each.digest === digest)?.token
}

export function addAudit(state: State, entry: NewAuditEntry): void {
  state.audit.given += 1
  state.audit.entries.push({ number: state.audit.given, ...entry })
}

export function audit(state: State, { since = 0, after = 0, within, limit }: AuditFilter): AuditEntry[] {
  return state.audit.entries
    .filter(({ number, at }) => number > after && at >= since)
    .filter(({ folder }) => within === undefined || (folder !== undefined && isBelow(folder, within)))
    .slice(0, limit)
}

export function forgetAudit(state: State, before: number): number {
  const kept = state.audit.entries.filter(({ at }) => at >= before)
  const forgotten = state.audit.entries.length - kept.length
  state.audit.entries = kept
  return forgotten
}
