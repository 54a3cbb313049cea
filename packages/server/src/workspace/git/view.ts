import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRepository, type Repository } from './find.ts'
import { readPlain } from './plain.ts'
import { run, type Run, unreadable } from './run.ts'
import type { Folder } from '@claude-proxy/protocol/ids'

/** A repository as we look at it. */
export interface View extends AsyncDisposable {
  readonly top: string
  /** Runs a command of Git on it. */
  readonly git: Run
}

const MOST_INDEX = 256 * 1024 * 1024
const MOST_SETTINGS = 1024 * 1024

/**
 * A directory for Git of our own: HEAD and index are copies, objects and references are links, the settings are ours.
 * Whatever Git can be made to run, by hooks, filters, drivers, monitors, pagers, helpers or aliases, is named in settings
 * or lies in `hooks`; none of the repository's are here, so that there is nothing to be kept from running one by one.
 * Its attributes are read: without settings behind them they only name what Git itself does. What Git writes goes into
 * the copies.
 */
export async function openView(
  folder: Folder,
  { roots, searchPath }: { roots: readonly string[]; searchPath: string },
  signal: AbortSignal,
): Promise<View> {
  const repository = await findRepository(folder, roots, signal)
  const directory = await mkdtemp(join(tmpdir(), 'claude-proxy-git-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const environment = environmentFor(directory, searchPath)
  try {
    await copyState(repository, directory)
    await linkShared(repository, directory)
    const kept = await keptSettings(repository, directory, environment, signal)
    await writeFile(join(directory, 'config'), settings(kept))
  } catch (error) {
    await remove()
    throw error
  }
  const where = { ...environment, GIT_DIR: directory, GIT_WORK_TREE: repository.top }
  return {
    top: repository.top,
    git: (args, more, stop) => run(['-C', repository.top, ...args], { ...where, ...more }, stop),
    [Symbol.asyncDispose]: remove,
  }
}

async function copyState({ own }: Repository, directory: string): Promise<void> {
  await writeFile(join(directory, 'HEAD'), (await readPlain(join(own, 'HEAD'), MOST_SETTINGS)) ?? '')
  // A split index names its other part by its digest.
  const names = (await readdir(own)).filter((name) => name === 'index' || /^sharedindex\.[0-9a-f]+$/.test(name))
  for (const name of names.slice(0, 16)) {
    const [bytes, { mtimeMs }] = await Promise.all([readPlain(join(own, name), MOST_INDEX), stat(join(own, name))])
    if (!bytes) throw unreadable('The index of the repository is no plain file, or too large.')
    await writeFile(join(directory, name), bytes)
    // What was changed in the moment of writing the index is told by its time; earlier is safe.
    await utimes(join(directory, name), 0, Math.floor(mtimeMs) / 1000)
  }
}

async function linkShared({ shared }: Repository, directory: string): Promise<void> {
  for (const name of ['objects', 'refs', 'packed-refs', 'reftable', 'shallow', 'info']) {
    const isThere = await stat(join(shared, name)).then(
      () => true,
      () => false,
    )
    if (isThere) await symlink(join(shared, name), join(directory, name))
    // Without it a directory is none of Git's.
    else if (name === 'refs') await mkdir(join(directory, name))
  }
}

const YES_OR_NO = /^(true|false|yes|no|on|off|1|0)$/i

/** The settings without which what is there would be read wrongly, and the values they may have. */
const KEPT: Readonly<Record<string, RegExp>> = {
  'extensions.objectformat': /^(sha1|sha256)$/,
  'extensions.refstorage': /^(files|reftable)$/,
  'core.filemode': YES_OR_NO,
  'core.symlinks': YES_OR_NO,
  'core.ignorecase': YES_OR_NO,
  'core.precomposeunicode': YES_OR_NO,
  'core.trustctime': YES_OR_NO,
  'core.checkstat': /^(default|minimal)$/,
  'core.autocrlf': /^(true|false|input)$/,
  'core.eol': /^(lf|crlf|native)$/,
}

/** Git reads the file for us as a list of texts, which runs nothing and follows no includes. */
async function keptSettings(
  { shared }: Repository,
  directory: string,
  environment: Record<string, string>,
  signal: AbortSignal,
): Promise<[key: string, value: string][]> {
  const theirs = join(directory, 'theirs')
  await writeFile(theirs, (await readPlain(join(shared, 'config'), MOST_SETTINGS)) ?? '')
  const { stdout, code } = await run(['config', '--file', theirs, '--no-includes', '-z', '--list'], environment, signal)
  if (code !== 0) throw unreadable('The settings of the repository cannot be read.')
  const all = stdout.toString().split('\0')
  return all.flatMap((setting) => {
    const [key = '', value = 'true'] = setting.split('\n', 2)
    return Object.hasOwn(KEPT, key) && KEPT[key]?.test(value) ? [[key, value]] : []
  })
}

function settings(kept: readonly [key: string, value: string][]): string {
  const isExtended = kept.some(([key]) => key.startsWith('extensions.'))
  const lines = kept.map(([key, value]) => {
    const [section, name] = key.split('.')
    return `[${section}]\n${name} = ${value}\n`
  })
  return `[core]\nrepositoryformatversion = ${isExtended ? 1 : 0}\nbare = false\nbigFileThreshold = 16m\n${lines.join('')}`
}

/** Nothing of ours: neither the settings of the service's user nor of the machine. */
function environmentFor(directory: string, searchPath: string): Record<string, string> {
  return {
    // A relative entry would be looked for in the folder.
    PATH: searchPath
      .split(':')
      .filter((entry) => entry.startsWith('/'))
      .join(':'),
    HOME: directory,
    XDG_CONFIG_HOME: directory,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: '',
    GIT_PAGER: 'cat',
    GIT_LITERAL_PATHSPECS: '1',
  }
}
