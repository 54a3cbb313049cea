import type { Scope } from '@claude-proxy/protocol/endpoints'
import { createTokens, type Tokens } from '../../src/core/access/tokens.ts'
import { newHexId, newSecret } from '../../src/random.ts'
import { openAccessBeside } from '../../src/store/sqlite/beside.ts'

const actor = { who: 'operator', agent: 'test', from: undefined }
const silent = { info() {}, warn() {}, error() {} }

export interface Wanted {
  readonly scopes?: readonly Scope[]
  readonly roots?: readonly string[]
  readonly expiresAt?: number
}

let count = 0

/** A new token of a service that runs, made beside it as the command line does: the header that carries it. */
export async function newToken(
  { dataDir }: { readonly dataDir: string },
  { scopes = ['read', 'run', 'approve', 'admin'], roots, expiresAt }: Wanted = {},
): Promise<{ name: string; secret: string; headers: { authorization: string } }> {
  const name = `token-${++count}`
  const { secret } = await beside(dataDir, (tokens) => tokens.create({ name, scopes, roots, expiresAt }, actor))
  return { name, secret, headers: { authorization: `Bearer ${secret}` } }
}

export function revoke({ dataDir }: { readonly dataDir: string }, name: string): Promise<unknown> {
  return beside(dataDir, (tokens) => tokens.revoke(name, actor))
}

async function beside<T>(dataDir: string, work: (tokens: Tokens) => Promise<T>): Promise<T> {
  await using store = openAccessBeside({ dataDir, log: silent })
  return await work(createTokens({ store, clock: { now: Date.now }, newId: newHexId, newSecret }))
}
