import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { Config } from '../config.ts'
import { schemaOfData, schemaOfRelease } from '../store/sqlite/schema.ts'
import { readVersion } from '../version.ts'
import { awaitHealth } from './health.ts'
import type { Manager } from './managers/manager.ts'
import { currentRelease, type Place, releaseDir } from './place.ts'
import { reachOf } from './reach.ts'
import { done, SetupError } from './step.ts'
import { give } from './user.ts'

export interface Installation {
  readonly place: Place
  /** Whom the service runs as. */
  readonly user: string
  readonly manager: Manager
  readonly config: Config
}

/** The database and what belongs to it. */
const DATABASE = ['claude-proxy.db', 'claude-proxy.db-wal']

/**
 * Lets the release that lies ready under `name` run from now on. If it does not answer, the one before it runs again, on
 * the data as it was, and a `SetupError` says so.
 */
export async function activate(name: string, installation: Installation): Promise<void> {
  const { place, manager } = installation
  const before = currentRelease(place)
  const [found, known] = [schemaOfData(place.dataDir), schemaOfRelease(releaseDir(place, name))]
  if (found > known)
    throw new SetupError(
      'upgrade',
      `${name} knows data up to schema version ${known}, ${place.dataDir} has ${found}: a newer release has used it. Nothing was changed.`,
    )
  const copy = before !== undefined && found !== 0 && found < known ? copyData(installation, found) : undefined
  switchTo(place, name)
  const why = await start(name, installation)
  if (why === undefined) {
    removeOthers(place)
    return
  }
  if (before === undefined || before === name) throw new SetupError('healthz', why)
  manager.stop()
  if (copy !== undefined) restoreData(installation, copy)
  switchTo(place, before)
  const still = await start(before, installation)
  throw new SetupError(
    'upgrade',
    `${why} ${still === undefined ? `${before} runs again.` : `Back to ${before}: ${still}`}`,
  )
}

/** The release that ran before the one that runs. */
export function previousRelease({ installDir }: Place): string | undefined {
  const path = join(installDir, 'previous')
  return existsSync(path) ? basename(readlinkSync(path)) : undefined
}

/** Why the release does not run; undefined when it does. */
async function start(name: string, { place, user, manager, config }: Installation): Promise<string | undefined> {
  const version = readVersion(releaseDir(place, name))
  const reach = reachOf(config)
  try {
    manager.define({ place, user, release: releaseDir(place, name) })
    manager.restart()
  } catch (error) {
    if (error instanceof SetupError) return `${name} did not start: ${error.message}`
    throw error
  }
  if ((await awaitHealth(reach, version)) === undefined)
    return `${name} did not answer at ${reach.place}; \`claude-proxy service logs\` shows why.`
  done('healthz', `${version} answers at ${reach.place}`)
  return undefined
}

/** A link cannot be replaced, but renamed over: there is no moment without one. */
function switchTo(place: Place, name: string): void {
  const before = currentRelease(place)
  if (before !== undefined && before !== name) link(place, 'previous', before)
  link(place, 'current', name)
}

function link({ installDir }: Place, as: 'current' | 'previous', name: string): void {
  const fresh = join(installDir, `.${as}`)
  rmSync(fresh, { force: true })
  symlinkSync(join('releases', name), fresh)
  renameSync(fresh, join(installDir, as))
}

/** What a migration changes cannot be taken back by older code, so that the data is copied before one. */
function copyData({ place: { dataDir }, manager, user }: Installation, schema: number): string {
  manager.stop()
  const copy = join(dataDir, `before-schema-${schema}.${Date.now()}`)
  mkdirSync(copy, { mode: 0o700 })
  moveOver(dataDir, copy, (from, to) => copyFileSync(from, to, constants.COPYFILE_FICLONE))
  give(copy, user)
  done('upgrade', `the database is changed by this release; as it was it lies in ${copy}`)
  return copy
}

/** What the newer release left goes aside, too. */
function restoreData({ place: { dataDir }, user }: Installation, copy: string): void {
  const newer = `${copy}.newer`
  mkdirSync(newer, { mode: 0o700 })
  moveOver(dataDir, newer, renameSync)
  rmSync(join(dataDir, 'claude-proxy.db-shm'), { force: true })
  moveOver(copy, dataDir, (from, to) => copyFileSync(from, to, constants.COPYFILE_FICLONE))
  give(dataDir, user)
}

function moveOver(from: string, to: string, move: (from: string, to: string) => void): void {
  for (const name of DATABASE) if (existsSync(join(from, name))) move(join(from, name), join(to, name))
}

/** Only code lies there. */
function removeOthers(place: Place): void {
  const kept = new Set([currentRelease(place), previousRelease(place)])
  const directory = join(place.installDir, 'releases')
  for (const name of readdirSync(directory)) if (!kept.has(name)) rmSync(join(directory, name), { recursive: true })
}
