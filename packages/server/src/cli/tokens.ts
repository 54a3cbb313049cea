import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Scope, SCOPES } from '@claude-proxy/protocol/endpoints'
import { type Config, ConfigError } from '../config.ts'
import { createTokens, type Tokens } from '../core/access/tokens.ts'
import type { AccessStore, Token } from '../core/ports/access.ts'
import { createLog } from '../log.ts'
import { newHexId, newSecret } from '../random.ts'
import { openAccessBeside } from '../store/sqlite/beside.ts'
import { operator } from './operator.ts'
import { untilWhen } from './spans.ts'

type Flags = Readonly<Record<string, string | undefined>>

/** What a token is for that nobody has said anything about: all that a person does, and nothing that cannot be undone. */
const USUAL: readonly Scope[] = ['read', 'run', 'approve']

/** Where a phone finds the service at the other end of its SSH tunnel. */
const TUNNEL = 'http://127.0.0.1:8787'

/** `claude-proxy token create NAME`. What the bearer has to say goes to stdout alone, so that it can be piped. */
export async function createNamedToken(name: string, flags: Flags, config: Config): Promise<void> {
  const url = flags['url'] ?? TUNNEL
  // Before anything is made.
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new ConfigError(`--url ${url} is no address such as ${TUNNEL}.`)
  const { secret, ...token } = await makeToken(name, flags, config)
  process.stderr.write(`${describe(token)}\nThis is shown once, and kept nowhere:\n`)
  process.stdout.write(`${secret}\n`)
  if (flags['qr'] === undefined) return
  const { pairingUri, qrCode } = await import('./pairing.ts')
  process.stderr.write(`${qrCode(pairingUri(url, secret))}For a client that reaches the service at ${url}.\n`)
}

/** Makes a token as the flags say. */
async function makeToken(name: string, flags: Flags, config: Config): Promise<Token & { secret: string }> {
  const request = {
    name,
    scopes: scopesOf(flags['scopes']),
    roots: rootsOf(flags['roots']),
    expiresAt: flags['expires'] === undefined ? undefined : untilWhen(flags['expires'], Date.now()),
  }
  return withTokens(config, (tokens) => tokens.create(request, operator()))
}

/** `claude-proxy token list`. */
export async function listTokens(config: Config): Promise<void> {
  const all = await withTokens(config, (_, store) => store.tokens())
  for (const token of all) process.stdout.write(`${token.id}  ${describe(token)}\n`)
}

/** `claude-proxy token revoke NAME|ID`. */
export async function revokeNamedToken(nameOrId: string, config: Config): Promise<void> {
  const token = await withTokens(config, (tokens) => tokens.revoke(nameOrId, operator()))
  if (!token) throw new ConfigError(`There is no token ${nameOrId}; claude-proxy token list shows them.`)
  process.stdout.write(`revoked ${token.name}\n`)
}

async function withTokens<T>(
  { dataDir, logLevel, store: kind }: Config,
  work: (tokens: Tokens, store: AccessStore) => Promise<T>,
): Promise<T> {
  if (kind === 'memory') throw new ConfigError("What is kept in memory is the service's alone: it has no tokens.")
  await using store = openAccessBeside({ dataDir, log: createLog(logLevel) })
  return await work(createTokens({ store, clock: { now: Date.now }, newId: newHexId, newSecret }), store)
}

function scopesOf(text: string | undefined): readonly Scope[] {
  if (text === undefined) return USUAL
  const asked = text.split(',').map((each) => each.trim())
  const unknown = asked.find((each) => !SCOPES.some((scope) => scope === each))
  if (unknown !== undefined) throw new ConfigError(`"${unknown}" is no scope; there are ${SCOPES.join(', ')}.`)
  return SCOPES.filter((scope) => asked.includes(scope))
}

function rootsOf(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').map((root) => {
    try {
      const path = realpathSync(resolve(root.trim()))
      if (statSync(path).isDirectory()) return path
    } catch (cause) {
      throw new ConfigError(`The folder ${root} is not there.`, { cause })
    }
    throw new ConfigError(`${root} is no folder.`)
  })
}

function describe({ name, scopes, roots, expiresAt }: Token): string {
  const where = roots ? `in ${roots.join(', ')}` : 'in every folder'
  const until = expiresAt === undefined ? 'until it is revoked' : `until ${new Date(expiresAt).toISOString()}`
  return `${name}: ${scopes.join(', ')}, ${where}, ${until}`
}
