import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createListener } from '../lib/acknowledged.ts'
import { checkWhole } from '../lib/checker.ts'
import { createDisk, type Disk, writeImage } from '../lib/torn-disk.ts'
import { runImport } from '../lib/importing.ts'
import { createLedger, type Ledger } from '../lib/seen.ts'
import { makeOriginal } from '../lib/original.ts'
import type { Context, Part } from '../lib/part.ts'
import type { Random } from '../lib/random.ts'
import { checkProgram, checkStore } from '../lib/reopened.ts'
import { type Moment, readTrace, traced, whyNoTrace } from '../lib/trace.ts'
import { liveUnderLoad } from '../lib/write-load.ts'

/**
 * Power loss, without cutting any power: strace writes down, in order, what a real service writes, when an fsync of what
 * returns, and what it tells its clients. From that the disk is rebuilt as it was at any moment, and with it what a cut
 * at this moment may leave (see `Disk`). The service has to come up on it with everything that it had told. The last
 * cut of a round is what the next one starts on, so that coming up is cut as well.
 */
export const power: Part = {
  name: 'power',
  sentence: 'the power fails at any moment: every event that left the service is there with its number and its bytes',

  async run(context) {
    const { brief, random, scratch, say } = context
    const why = whyNoTrace(join(scratch, 'probe'))
    if (why !== undefined) return [`NOT TRIED: ${why}`]
    const site: Site = {
      folder: scratch,
      dataDir: join(scratch, 'site', 'data'),
      ledger: createLedger(),
      imported: new Map(),
    }
    mkdirSync(join(scratch, 'site'))
    const total = { cuts: 0, writes: 0, fsyncs: 0, checkpointed: 0, truncated: 0, vacuumed: 0, unsure: 0 }
    const rounds = brief ? 3 : 9
    for (let round = 0; round < rounds; round++) {
      const figures = await oneRound({ ...context, random: random.fork() }, site, round, brief ? 7 : 90)
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += figures[name]
      say(`life ${round + 1} of ${rounds}: ${total.cuts} cuts, ${site.ledger.size} events so far`)
    }
    // what is not covered is not held
    for (const name of ['checkpointed', 'truncated', 'vacuumed'] as const)
      if (total[name] === 0) throw new Error(`the load has led to nothing that counts as ${name}`)
    return [
      `${total.cuts} power cuts in ${rounds} lives, each on what a cut had left of the one before; ${total.unsure} with writes that no fsync had covered`,
      `${total.writes} writes and ${total.fsyncs} fsyncs; ${total.checkpointed} pages moved into the database, ${total.truncated} times the log cut to nothing, ${total.vacuumed} times pages given back`,
      `${site.ledger.size} acknowledged events and ${site.imported.size} imported conversations, all there after every cut`,
    ]
  },
}

/** One data directory on its way through the rounds, and what the world was told of it. */
interface Site {
  readonly folder: string
  readonly dataDir: string
  readonly ledger: Ledger
  readonly imported: Map<string, readonly string[]>
}

/** One life under strace, and cuts all along it. The last of them leaves what the next life starts on. */
async function oneRound(context: Context, site: Site, round: number, cuts: number) {
  const { random, signal } = context
  const { dataDir, folder, ledger, imported } = site
  const trace = join(folder, 'trace')
  const disk = createDisk(dataDir)
  const whole = createDisk(dataDir)
  const wanted = await live(context, site, round, traced(trace))
  const moments = await readTrace(trace)
  expectAllTraced(whole, moments)
  const listen = createListener(
    (conversation, frame) => ledger.note(conversation, frame),
    (id) => imported.set(id, wanted.get(id) ?? []),
  )
  const chosen = chooseMoments(moments, site, cuts, random)
  const last = Math.max(...chosen)
  let unsure = 0
  for (const [n, moment] of moments.slice(0, last + 1).entries()) {
    disk.play(moment)
    listen(moment)
    if (!chosen.has(n)) continue
    signal.throwIfAborted()
    if ([DATABASE, `${DATABASE}-wal`].some(disk.isUnsure)) unsure++
    const image = join(folder, 'cut', 'data')
    try {
      leave(image, disk, random, ledger.size + imported.size === 0)
      const stored = await (random.chance(context.brief ? 0.05 : 0.15)
        ? checkProgram(image, site)
        : checkStore(image, site))
      checkWhole(stored, wanted, imported.keys())
    } catch (cause) {
      const call = `${moment.call.name} of ${moment.call.target} (${moment.is})`
      const what = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`cut ${n} in life ${round + 1}, at ${call}: ${what}`, { cause })
    }
  }
  leave(dataDir, disk, random, true)
  return { ...count(moments, site), cuts: chosen.size, unsure }
}

/** The trace accounts for every byte, but for the last ones of a service that was killed in the middle of a call. */
function expectAllTraced(disk: Disk, moments: readonly Moment[]): void {
  for (const moment of moments) disk.play(moment)
  if (moments.some(({ call }) => call.name === 'pwrite64' && Number.isNaN(call.result))) return
  const name = disk.differs()
  if (name !== undefined) throw new Error(`the trace does not tell everything that was written to ${name}`)
}

/** The service under load, or an import; what it imports, by conversation. */
async function live({ random, signal, brief }: Context, { folder, dataDir }: Site, round: number, through: string[]) {
  if (round % 3 !== 1) {
    await liveUnderLoad({ dataDir, name: `life-${round}`, random, signal, through, brief })
    return new Map<string, readonly string[]>()
  }
  const { directory, conversations } = makeOriginal(
    join(folder, `original-${round}`),
    `import-${round}`,
    brief ? 6 : 12,
    random,
  )
  await runImport({ dataDir, original: directory, home: join(folder, 'home'), through })
  return new Map(conversations.map(({ id, lines }) => [id, lines]))
}

/** Writes what a power cut leaves, instead of whatever is there. */
function leave(dataDir: string, disk: Disk, random: Random, mayBeGone: boolean): void {
  rmSync(dataDir, { recursive: true, force: true })
  mkdirSync(dirname(dataDir), { recursive: true })
  const files = disk.cut(random)
  if (files !== undefined) writeImage(dataDir, files)
  else if (!mayBeGone) throw new Error('the data directory itself is gone, with all that was told')
}

/**
 * Moments of a life, up to some point in it: any, those of its start, those at which pages move into the database, and
 * those right after an event went out.
 */
function chooseMoments(moments: readonly Moment[], { dataDir }: Site, atMost: number, random: Random): Set<number> {
  const end = moments.length - 1
  // the last calls close everything
  const until = random.chance(0.3) ? end : random.int(Math.floor(end / 2), end)
  const where = (fits: (moment: Moment) => boolean) =>
    moments.flatMap((moment, n) => (n <= until && fits(moment) ? [n] : []))
  const ours = where(({ call }) => call.target.startsWith(dataDir))
  const moving = where(({ call }) => call.target === join(dataDir, DATABASE))
  const told = where(({ call, is }) => is === 'end' && call.target.startsWith('socket:'))
  const starting = ours.slice(0, 300)
  const kinds = [ours, starting, moving, told].filter(({ length }) => length > 0)
  return new Set([until, ...Array.from({ length: atMost - 1 }, () => random.pick(random.pick(kinds)))])
}

const DATABASE = 'claude-proxy.db'

function count(moments: readonly Moment[], { dataDir }: Site) {
  const calls = moments.filter(({ is }) => is === 'begin').map(({ call }) => call)
  const of = (name: string, file: string) => calls.filter((call) => call.name === name && call.target === file)
  const database = join(dataDir, DATABASE)
  return {
    writes: calls.filter(({ name, target }) => name === 'pwrite64' && target.startsWith(dataDir)).length,
    fsyncs: calls.filter(({ name }) => /^f(data)?sync$/.test(name)).length,
    checkpointed: of('pwrite64', database).length,
    truncated: of('ftruncate', `${database}-wal`).filter(({ at }) => at === 0).length,
    vacuumed: of('ftruncate', database).length,
  }
}
