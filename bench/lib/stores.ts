import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freeBytes } from './machine.ts'
import type { Context } from './part.ts'
import { runToEnd } from './processes.ts'

export interface StoreShape {
  readonly conversations: readonly { readonly id: string; readonly events: number }[]
  readonly eventBytes: number
  /** Whether the first conversation is also there as files, for servers of files. */
  readonly files: boolean
}

export interface MadeStore {
  readonly dataDir: string
  /** `events.ndjson` and `events.sse`. */
  readonly files: string
  readonly cwdOf: (conversation: string) => string
  /** What was made smaller than asked, and why. */
  readonly note?: string
}

const CACHE = join(tmpdir(), 'claude-proxy-bench-cache')
const STORE_SOURCE = fileURLToPath(new URL('../../packages/server/src/store/sqlite', import.meta.url))
const MAKE = fileURLToPath(new URL('make-store.ts', import.meta.url))
const ENOUGH_BYTES = 20 * 1024 ** 3

/** One conversation of `events` events, `big`, and one of a hundred, `small`. */
export function longStore(context: Context, events: number): Promise<MadeStore> {
  const conversations = [
    { id: 'big', events },
    { id: 'small', events: 100 },
  ]
  return store(context, `long-${events}`, { conversations, eventBytes: 300, files: true })
}

/** `count` conversations of a thousand events; a tenth of them where the disk is short. */
export async function wideStore(context: Context, count: number): Promise<MadeStore & { count: number }> {
  await mkdir(CACHE, { recursive: true })
  const isShort = count > 1000 && (await freeBytes(CACHE)) < ENOUGH_BYTES
  const made = isShort ? Math.ceil(count / 10) : count
  const conversations = Array.from({ length: made }, (_, n) => ({ id: `conversation-${n}`, events: 1000 }))
  const result = await store(context, `wide-${made}`, { conversations, eventBytes: 300, files: false })
  const note = `less than 20 GiB free: ${made} conversations instead of ${count}`
  return { ...result, count: made, ...(isShort && { note }) }
}

/** Finds the store in the cache or makes it, in a process of its own. One that other code has made is made again. */
async function store(context: Context, key: string, shape: StoreShape): Promise<MadeStore> {
  const folder = join(CACHE, key)
  const madeBy = join(folder, 'made-by')
  const code = sourceHash()
  const found = await readFile(madeBy, 'utf8').catch(() => undefined)
  if (found !== code) {
    context.say(`making the store ${key} …`)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    // The shape of ten thousand conversations is too long for a command line.
    await writeFile(join(folder, 'shape.json'), JSON.stringify(shape))
    await runToEnd(process.execPath, ['--max-old-space-size=8192', MAKE, folder])
    // Last, so that a store whose making was cut short is not taken for one.
    await writeFile(madeBy, code)
  }
  return {
    dataDir: join(folder, 'data'),
    files: join(folder, 'files'),
    cwdOf: (conversation) => join(folder, 'work', conversation),
  }
}

/** What the store's code is: another may lay its data out in another way. */
function sourceHash(): string {
  const hash = createHash('sha256')
  for (const file of globSync('**/*.{ts,sql}', { cwd: STORE_SOURCE }).sort())
    hash.update(file).update(readFileSync(join(STORE_SOURCE, file)))
  return hash.update(readFileSync(MAKE)).digest('hex')
}
