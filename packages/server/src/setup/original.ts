import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { OriginalMeta } from '@claude-proxy/protocol/original'
import { z } from 'zod'
import { readPlainFile } from '../core/import/plain-file.ts'
import { CLAIM_FILES } from './alone.ts'
import type { Manager } from './managers/manager.ts'
import type { Place } from './place.ts'

/** The Python original, where it was moved to: all of it, and what told the service manager of it. */
export interface Kept {
  readonly directory: string
  /** Its data, as it left it. */
  readonly dataDir: string
}

/** What lies beside the original in its own folder, and is ours. */
const OURS = new Set(['releases', 'current', 'previous', ...CLAIM_FILES])
/** In the kept folder: the definitions that the service manager had, by their paths. */
const RECORD = '.definitions.json'
/** In the kept folder: its data was taken in. */
const ADOPTED = '.adopted'

/** Whether the folder holds the original's code, be it only in parts, after a move that was cut short. */
export function isOriginalThere({ installDir }: Place): boolean {
  return existsSync(join(installDir, 'app.py')) || existsSync(join(installDir, 'claude_proxy'))
}

/** An original that was moved away by an installation that did not get further. */
export function findUnadopted(place: Place): Kept | undefined {
  return keptOnes(place).find(({ directory }) => !existsSync(join(directory, ADOPTED)))
}

/** The original that this installation took the place of, if there was one. */
export function findKept(place: Place): Kept | undefined {
  return keptOnes(place).at(-1)
}

/** The user that the original ran as: root, unless its definition names another. */
export function userOfOriginal({ definitions }: Manager): string {
  const text = definitions.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'))
  return /^user=(\S+)/im.exec(text.join('\n'))?.[1] ?? 'root'
}

/** Moves the original and its data beside the place it had. It has to be stopped. May be called again after a crash. */
export function setAside(place: Place, { definitions }: Manager, now: Date): Kept {
  const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  const kept = findUnadopted(place) ?? keptAt(`${place.installDir}.python-${stamp}`)
  mkdirSync(kept.directory, { recursive: true, mode: 0o700 })
  const record = join(kept.directory, RECORD)
  // First: when it is there, what it names may be written over.
  if (!existsSync(record)) {
    const files = definitions.filter((file) => existsSync(file))
    writeFileSync(record, JSON.stringify(Object.fromEntries(files.map((file) => [file, readFileSync(file, 'utf8')]))))
  }
  if (isOriginalThere(place)) moveAll(place.installDir, kept.directory, OURS)
  return kept
}

/** Says that the original's data is in the new store. */
export function markAdopted({ directory }: Kept): void {
  writeFileSync(join(directory, ADOPTED), '')
}

/**
 * Puts the original back where it was, with its data as it left it. What was kept since then is not in there: it stays
 * in a folder of its own, which is returned.
 */
export function putBack(place: Place, { directory }: Kept): string | undefined {
  const dataDir = join(place.installDir, 'data')
  const away = existsSync(dataDir)
    ? `${place.installDir}.data-${basename(directory).replace(/^.*\.python-/, '')}`
    : undefined
  if (away !== undefined) renameSync(dataDir, away)
  moveAll(directory, place.installDir, new Set([RECORD, ADOPTED]))
  const record = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(join(directory, RECORD), 'utf8')))
  for (const [file, text] of Object.entries(record)) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  for (const name of [RECORD, ADOPTED]) rmSync(join(directory, name), { force: true })
  rmdirSync(directory)
  return away
}

/** The folders of the original's conversations that are there, and that a list by commas can name. */
export async function foldersOf({ dataDir }: Kept): Promise<string[]> {
  const root = join(dataDir, 'conversations')
  if (!existsSync(root)) return []
  const found = await Promise.all(readdirSync(root).map((name) => folderOf(join(root, name, 'meta.json'))))
  return [...new Set(found)].filter((folder) => /^\/[^,#'"\s]+$/.test(folder)).toSorted()
}

/** Empty when there is none: no conversation, or its folder is gone. The import says which. */
async function folderOf(file: string): Promise<string> {
  try {
    return realpathSync(OriginalMeta.parse(JSON.parse(await readPlainFile(file))).cwd)
  } catch {
    return ''
  }
}

function keptOnes({ installDir }: Place): Kept[] {
  const above = dirname(installDir)
  const names = readdirSync(above).filter((name) => name.startsWith(`${basename(installDir)}.python-`))
  return names.toSorted().map((name) => keptAt(join(above, name)))
}

function keptAt(directory: string): Kept {
  return { directory, dataDir: join(directory, 'data') }
}

function moveAll(from: string, to: string, except: ReadonlySet<string>): void {
  for (const name of readdirSync(from)) if (!except.has(name)) renameSync(join(from, name), join(to, name))
}
