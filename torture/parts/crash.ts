import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSqliteStore } from '@claude-proxy/server/src/store/sqlite/store.ts'
import { checkAtRest, checkKept } from '../lib/checker.ts'
import { DEATHS, die, type World } from '../lib/deaths.ts'
import { startFeedReader, type FeedReader } from '../lib/feed.ts'
import { createCursor, createLedger } from '../lib/seen.ts'
import { createLives, type Life, type Lives } from '../lib/lives.ts'
import type { Context, Part } from '../lib/part.ts'
import { converse, type Spoken } from '../lib/phone.ts'
import type { Random } from '../lib/random.ts'
import { readStored } from '../lib/stored.ts'
import { startWorkload } from '../lib/workload.ts'

export const crash: Part = {
  name: 'crash',
  sentence: 'kill -9 at any moment, again and again: nothing lost, nothing twice, nothing left hanging',

  async run(context) {
    const { brief, random, say } = context
    const total = { kills: 0, lives: 0, conversations: 0, imported: 0, prompts: 0, sent: 0, events: 0, feeds: 0 }
    const worlds = brief ? 1 : 6
    for (let n = 1; n <= worlds; n++) {
      const figures = await inOneWorld({ ...context, random: random.fork() }, `world-${n}`, brief ? 1 : 5)
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += figures[name]
      say(`data directory ${n} of ${worlds}: ${total.kills} kills, ${total.events} events so far`)
    }
    return [
      `${total.kills} kills (${DEATHS.join(', ')}) in ${total.lives} lives of the service`,
      `${total.conversations} conversations, and ${total.imported} imported`,
      `${total.prompts} prompts accepted and run to their end; sent ${total.sent} times`,
      `${total.events} events seen by clients, each kept its number and its bytes`,
      `every event of every conversation told by the one stream of all, once, in order, over ${total.feeds} connections`,
    ]
  },
}

/** One data directory from its making: every kind of death so many times in some order, and a check after each. */
async function inOneWorld({ brief, random, scratch, signal: outer }: Context, name: string, rounds: number) {
  const failed = new AbortController()
  const signal = AbortSignal.any([outer, failed.signal])
  const folder = join(scratch, name)
  const dataDir = join(folder, 'data')
  await mkdir(folder)
  const ledger = createLedger()
  await using lives = createLives(dataDir, signal)
  const phones = brief ? 4 : 6
  const options = { lives, ledger, random: random.fork(), signal, folder: join(folder, 'work'), phones }
  const workload = startWorkload(options)
  workload.done.catch((error: unknown) => failed.abort(error))
  const feed = startFeedReader({ lives, ledger, random: random.fork(), signal })
  const imported = new Map<string, readonly string[]>()
  const world = { name, dataDir, scratch: folder, random, ledger, lives, workload, imported, signal }
  let kills = 0
  try {
    for (let round = 0; round < rounds; round++) {
      for (const death of shuffled(DEATHS, random)) {
        kills += await die(death, world)
        signal.throwIfAborted()
        checkKept(readStored(dataDir, folder), world)
      }
    }
    await putInOrder(world, feed)
  } catch (error) {
    failed.abort(error)
    throw error
  } finally {
    failed.abort(new Error('It is over.'))
    await lives[Symbol.asyncDispose]()
    await workload.done.catch(() => {})
  }
  const accepted = workload.spoken.filter(({ isAccepted }) => isAccepted)
  return {
    kills,
    lives: lives.count,
    conversations: workload.places.length,
    imported: imported.size,
    prompts: accepted.length,
    sent: accepted.reduce((sum, { attempts }) => sum + attempts, 0),
    events: ledger.size,
    feeds: feed.connections,
  }
}

/**
 * No more deaths. What was accepted comes to its end, by itself or by a stop in good order; no folder is left busy, and
 * nothing is left over: no open run, no process, no lock.
 */
async function putInOrder(world: World, feed: FeedReader): Promise<void> {
  const { dataDir, scratch, ledger, lives, workload, signal } = world
  workload.close()
  const life = await lives.begin()
  const patience = AbortSignal.any([signal, AbortSignal.timeout(5000)])
  // Some hang, as they were told.
  await Promise.race([workload.done, sleep(5000, undefined, { signal: patience }).catch(() => {})])
  await mustStop(lives, life)
  const last = await lives.begin()
  await within(30_000, workload.done, 'phones are still waiting for the end of something')
  const lastSpoken: Spoken[] = []
  await workIn(workload.places, 8, async ({ id, cwd }) => {
    const phone = { conversation: id, cwd, doubtful: new Set<number>(), lives, random: world.random, signal }
    const cursor = createCursor(id, ledger)
    const text = `${id} is free again`
    const spoken = await converse({ ...phone, cursor, isClosing: () => false }, { text, hangs: false }, true)
    if (!spoken.isAccepted) throw new Error(`${id}: the last prompt was not accepted`)
    lastSpoken.push(spoken)
  })
  await feed.leave()
  await mustStop(lives, last)
  checkAtRest(readStored(dataDir, scratch), { ...world, spoken: [...workload.spoken, ...lastSpoken] })
  const left = processesWith(dataDir)
  if (left.length > 0) throw new Error(`processes are left: ${left.join(', ')}`)
  const store = await openSqliteStore({ dataDir, log: { info() {}, warn() {}, error() {} } })
  await feed.finish(store)
  await store.close()
}

async function mustStop(lives: Lives, life: Life): Promise<void> {
  if (!(await lives.stop(life, 20_000))) throw new Error('the service did not stop when it was asked to')
  const [code] = await life.program.exit
  if (code !== 0) throw new Error(`the service stopped with code ${code}: ${life.program.stderr}`)
}

async function within(ms: number, what: Promise<void>, orElse: string): Promise<void> {
  const over = new AbortController()
  const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(orElse)
  })
  late.catch(() => {})
  await Promise.race([what, late]).finally(() => over.abort())
}

/** Does something with each, so many at a time. */
async function workIn<T>(all: readonly T[], width: number, work: (each: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const one = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await work(next)
  }
  await Promise.all(Array.from({ length: width }, one))
}

function shuffled<T>(all: readonly T[], random: Random): T[] {
  return all
    .map((each) => [random.next(), each] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, each]) => each)
}

/** Processes that have something to do with the data directory. */
function processesWith(dataDir: string): string[] {
  const command = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    } catch {
      // Gone while we looked.
      return ''
    }
  }
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && command(name).includes(dataDir))
}
