import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import { type Config, ConfigError } from '../config.ts'
import type { AtRest } from '../core/ports/retention.ts'
import type { Store } from '../core/ports/store.ts'
import { prune } from '../core/retention.ts'
import { createLog } from '../log.ts'
import { lookInto } from '../store/sqlite/look.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import { noteDone } from './operator.ts'
import { printable } from './printable.ts'

type Given = Readonly<Record<string, string>>

/** `claude-proxy prune`: while no service has the data directory, which deletes by `--retain-…` itself. */
export async function pruneConversations(name: string | undefined, given: Given, config: Config): Promise<void> {
  if (name !== undefined) return await pruneOne(name, given, config)
  const { dataDir, logLevel } = config
  const policy = {
    olderThanMs: amount(given, 'older-than', { d: 86_400_000, h: 3_600_000 }),
    keepBytes: amount(given, 'keep-size', { GB: 1e9, MB: 1e6 }),
    archivedFirst: given['archived-first'] !== undefined,
  }
  if (policy.olderThanMs === undefined && policy.keepBytes === undefined)
    throw new ConfigError('Say what to keep: --older-than 90d, --keep-size 10GB, or both; or name a conversation.')
  const pruning = { policy, now: Date.now() }
  if (given['dry-run'] !== undefined) {
    using look = lookInto(dataDir)
    // Nothing is deleted by who only looks.
    const store = { ...look, pruneConversation: () => Promise.resolve(false) }
    await tell(prune({ ...pruning, store, isDry: true }), 'would go')
    return
  }
  const store = await openSqliteStore({ dataDir, log: createLog(logLevel) })
  try {
    await tell(noted(prune({ ...pruning, store }), store), 'deleted')
  } finally {
    await store.close()
  }
}

/** The one that is named goes, also if it is what its folder's names lead to. */
async function pruneOne(name: string, given: Given, { dataDir, logLevel }: Config): Promise<void> {
  if (['older-than', 'keep-size', 'archived-first'].some((flag) => given[flag] !== undefined))
    throw new ConfigError('Name a conversation or say what to keep, not both.')
  const unknown = new ConfigError(`There is no conversation ${printable(name)}.`)
  const { data: id } = ConversationId.safeParse(name)
  if (id === undefined) throw unknown
  if (given['dry-run'] !== undefined) {
    using look = lookInto(dataDir)
    const found = await look.conversation(id)
    if (!found) throw unknown
    process.stdout.write(`${found.id}  ${printable(found.folder)}  would go\n`)
    return
  }
  const store = await openSqliteStore({ dataDir, log: createLog(logLevel) })
  try {
    const found = await store.conversation(id)
    const { status } = await store.deleteConversation(id)
    if (!found || status === 'unknown') throw unknown
    if (status === 'busy')
      throw new ConfigError(`A run of ${id} is open. Start the service once: it closes what a crash has left.`)
    await noteDone(store, { action: 'prune', conversation: id, folder: found.folder })
    process.stdout.write(`${id}  ${printable(found.folder)}  deleted\n`)
  } finally {
    await store.close()
  }
}

/** Notes each that is gone before the next goes. */
async function* noted(pruned: AsyncIterable<AtRest>, store: Store): AsyncGenerator<AtRest> {
  for await (const each of pruned) {
    await noteDone(store, { action: 'prune', conversation: each.id, folder: each.folder })
    yield each
  }
}

async function tell(pruned: AsyncIterable<AtRest>, what: string): Promise<void> {
  let count = 0
  let bytes = 0
  for await (const { id, folder, title = '', activeAt, bytes: size } of pruned) {
    count++
    bytes += size
    const day = new Date(activeAt).toISOString().slice(0, 10)
    process.stdout.write(`${day}  ${id}  ${megabytes(size)}  ${printable(folder)}  ${printable(title)}\n`)
  }
  process.stdout.write(`${count} conversations ${what}, ${megabytes(bytes)}\n`)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** A number with its unit. */
function amount(given: Given, flag: string, units: Readonly<Record<string, number>>): number | undefined {
  const text = given[flag]
  if (text === undefined) return undefined
  const [, number = '', unit = ''] = /^(\d{1,9})([A-Za-z]{1,2})$/.exec(text) ?? []
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  if (factor !== undefined) return Number(number) * factor
  throw new ConfigError(
    `--${flag}=${text} cannot be used: it has to be a number and ${Object.keys(units).join(' or ')}.`,
  )
}
