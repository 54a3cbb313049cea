import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createMarks } from '../../agents/claude/mark.ts'
import { freeBytes } from '../../store/sqlite/health.ts'
import { quickCheck } from '../../store/sqlite/quick-check.ts'
import { error, type Finding, ok, type Patient, warning } from './finding.ts'

/** A commit takes at least one sync of the disk: above these, every event waits for it. */
const SLOW_MS = 20
const TOO_SLOW_MS = 250
const SYNCS = 20

/** The data directory: whose it is, who has it, its disk, its database, and what agents a crash has left behind. */
export async function examineData(patient: Patient): Promise<Finding[]> {
  const { config, holder } = patient
  const { dataDir } = config
  if (config.store === 'memory') return [warning('data', 'Nothing is kept: --store memory.', 'For benchmarks only.')]
  if (!existsSync(dataDir)) return [ok('data', `${dataDir} is not there yet; the first start makes it.`)]
  return [
    examineModes(dataDir),
    holder ? ok('lock', `${held(holder.pid)} has the data directory.`) : ok('lock', 'No service runs on it now.'),
    await examineSpace(patient),
    examineSpeed(dataDir),
    ...(patient.isThorough ? [examineDatabase(patient)] : []),
    await examineOrphans(patient),
  ]
}

function held(pid: number | undefined): string {
  return pid === undefined ? 'A service' : `The service with process id ${pid}`
}

function examineModes(dataDir: string): Finding {
  // Windows has no such modes.
  const mode = process.platform === 'win32' ? 0o700 : statSync(dataDir).mode & 0o777
  const remedy = `chmod 700 ${dataDir}`
  if ((mode & 0o026) !== 0)
    return error('data', `Others can read or write ${dataDir}; the service refuses to start on it.`, remedy)
  if ((mode & 0o077) !== 0) return warning('data', `Others can look into ${dataDir}.`, remedy)
  return ok('data', `${dataDir} is its owner's alone.`)
}

async function examineSpace({ config }: Patient): Promise<Finding> {
  const free = Math.floor((await freeBytes(config.dataDir)) / 1024 ** 2)
  if (free >= config.minFreeMegabytes) return ok('disk', `${free} MB are free.`)
  const message = `Only ${free} MB are free, and /readyz asks for ${config.minFreeMegabytes}.`
  return error('disk', message, 'Make room, or move --data-dir.')
}

/** Writes and syncs a file of its own, which goes again. */
function examineSpeed(dataDir: string): Finding {
  const file = join(dataDir, `doctor-${process.pid}`)
  const descriptor = openSync(file, 'wx', 0o600)
  const times: number[] = []
  try {
    for (let n = 0; n < SYNCS; n++) {
      writeSync(descriptor, Buffer.alloc(4096))
      const from = performance.now()
      fsyncSync(descriptor)
      times.push(performance.now() - from)
    }
  } finally {
    closeSync(descriptor)
    rmSync(file)
  }
  const median = times.toSorted((a, b) => a - b)[SYNCS >> 1] ?? 0
  const took = `A sync of the disk takes ${median.toFixed(1)} ms`
  const remedy = 'Move --data-dir to a local SSD; not to a network share.'
  if (median > TOO_SLOW_MS) return error('speed', `${took}: every event waits for that.`, remedy)
  if (median > SLOW_MS) return warning('speed', `${took}, which readers notice.`, remedy)
  return ok('speed', `${took}.`)
}

function examineDatabase({ config, holder }: Patient): Finding {
  const problems = quickCheck(config.dataDir, holder !== undefined)
  if (problems === undefined) return ok('database', 'There is no database yet.')
  if (problems.length === 0) return ok('database', 'SQLite finds nothing wrong with the database.')
  const message = `The database is damaged: ${problems.join('; ')}`
  return error('database', message, 'Stop the service, and bring back a backup: claude-proxy restore FILE --aside.')
}

async function examineOrphans({ config, holder }: Patient): Promise<Finding> {
  // It has ended what was left when it started.
  if (holder) return ok('orphans', 'The service that runs looks after its agents.')
  const left = await createMarks(resolve(config.dataDir)).leftOver()
  if (left.length === 0) return ok('orphans', 'No agents of an earlier run are left.')
  const message = `Agents, or what they began, are left of an earlier run: process ids ${left.map(({ pid }) => pid).join(', ')}.`
  return warning('orphans', message, 'The next start ends them.')
}
