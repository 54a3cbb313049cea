import { watch } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkWhole } from './checker.ts'
import { runImport } from './importing.ts'
import type { Ledger } from './seen.ts'
import type { Lives } from './lives.ts'
import { makeOriginal } from './original.ts'
import type { Random } from './random.ts'
import { readStored } from './stored.ts'
import type { Workload } from './workload.ts'

/** When the service is killed: under load, right after a commit began, while it seals or stops or starts, … */
export const DEATHS = ['load', 'commit', 'seal', 'stop', 'start', 'recovery', 'idle', 'import'] as const
type Death = (typeof DEATHS)[number]

/** One data directory and all who use it. */
export interface World {
  readonly name: string
  readonly dataDir: string
  /** For copies and whatever else lies beside the data directory. */
  readonly scratch: string
  readonly random: Random
  readonly ledger: Ledger
  readonly lives: Lives
  readonly workload: Workload
  readonly imported: Map<string, readonly string[]>
  readonly signal: AbortSignal
}

/** One life and its death; resolves to how many times something was killed. */
export async function die(kind: Death, world: World): Promise<number> {
  const { lives, random, workload, signal, dataDir } = world
  if (kind === 'import') return dieImporting(world)
  if (kind === 'start') {
    await lives.killAtStart(random.int(0, 400))
    return 1
  }
  const inSecret = kind === 'recovery' || kind === 'idle'
  const life = await lives.begin({ inSecret })
  const bound = AbortSignal.any([signal, AbortSignal.timeout(3000)])
  if (kind === 'recovery') await sleep(random.int(0, 60))
  else if (kind === 'idle') await sleep(random.int(200, 600))
  else if (kind === 'seal') {
    await workload.heard('end of a flood', bound)
    await sleep(random.int(0, 60))
  } else {
    await workload.heard({ events: random.int(1, kind === 'commit' ? 500 : 3000) }, bound)
  }
  if (kind === 'commit') await commits(dataDir, random.int(1, 20), bound)
  if (kind === 'commit' || kind === 'seal') spin(random.next() * 2)
  if (kind !== 'stop') await lives.kill(life)
  // Gone by itself, it was none.
  else if (await lives.stop(life, random.int(0, 400))) return 0
  return 1
}

/** Kills an import once or twice, then lets it end. A phone goes on in one of its conversations. */
async function dieImporting({ name, dataDir, scratch, random, imported, workload, signal }: World) {
  const count = random.int(5, 30)
  const folder = join(scratch, `original-${imported.size}`)
  const original = makeOriginal(folder, `${name}-${imported.size}`, count, random)
  const lines = new Map(original.conversations.map((each) => [each.id, each.lines]))
  const options = { dataDir, original: original.directory, home: join(scratch, 'home') }
  let kills = 0
  for (let left = random.int(1, 2); left >= 0; left--) {
    const kill = random.chance(0.5) ? { ms: random.int(100, 700) } : { reports: random.int(1, count) }
    const { reported, wasKilled } = await runImport(left === 0 ? options : { ...options, kill })
    signal.throwIfAborted()
    if (wasKilled) kills++
    checkWhole(readStored(dataDir, scratch), lines, reported)
  }
  for (const [id, wanted] of lines) imported.set(id, wanted)
  workload.adopt(random.pick(original.conversations))
  return kills
}

/** Resolves at the so-manieth change of the write-ahead log from now on. */
async function commits(dataDir: string, count: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const watcher = watch(dataDir)
  try {
    for (let left = count; left > 0;) {
      const [, name] = await once(watcher, 'change', { signal })
      if (name === 'claude-proxy.db-wal') left--
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    watcher.close()
  }
}

/** Timers are too coarse for the length of a commit. */
function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
