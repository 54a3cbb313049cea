import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { DiffRequest, Git } from '../../core/ports/git.ts'
import { isBelow } from '../../core/folders.ts'
import type { Bounds } from '../hold.ts'
import { COMMIT_FORMAT, parseDiff, parseLog, parseStatus } from './parse.ts'
import { type Output, unreadable } from './run.ts'
import type { Turns } from './turns.ts'
import { openView, type View } from './view.ts'

/** What Git says of a folder. `searchPath` is where it is looked for; who looks copies an index, and needs a turn. */
export function createGit({ rules, dataDir, ownFiles }: Bounds, searchPath: string, turn: Turns): Git {
  const options = { roots: rules.allowedRoots, searchPath }

  return {
    async status(folder, signal) {
      using _ = await turn(signal)
      await using view = await openView(folder, options, signal)
      const args = ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal', SUBMODULES]
      const { stdout, isCut } = await succeed(view, args, signal)
      const status = parseStatus(stdout, isCut)
      return { top: view.top, ...status, files: status.files.filter(await isShownIn(view.top)) }
    },

    async diff(folder, what, signal) {
      using _ = await turn(signal)
      await using view = await openView(folder, options, signal)
      const { stdout, isCut } = await succeed(view, await diffArguments(view, what, signal), signal)
      return { top: view.top, files: parseDiff(stdout, isCut).filter(await isShownIn(view.top)), isCut }
    },

    async log(folder, { after, limit }, signal) {
      using _ = await turn(signal)
      await using view = await openView(folder, options, signal)
      const start = after ?? { commit: await commitOf(view, 'HEAD', signal), skip: 0 }
      // Before the first commit.
      if (start.commit === undefined) return { commits: [], next: undefined }
      const page = [`--max-count=${limit + 1}`, `--skip=${start.skip}`]
      const args = [
        'log',
        '-z',
        `--format=${COMMIT_FORMAT}`,
        '--no-show-signature',
        '--no-color',
        ...page,
        start.commit,
        '--',
      ]
      const { stdout, isCut } = await succeed(view, args, signal)
      const found = parseLog(stdout, isCut)
      const commits = found.slice(0, limit)
      if (isCut && commits.length === 0) throw unreadable('A commit is too large to be shown.')
      const hasMore = isCut || found.length > limit
      return { commits, next: hasMore ? { commit: start.commit, skip: start.skip + commits.length } : undefined }
    },
  }

  /** Not what is ours, also where somebody has put it into a repository. */
  async function isShownIn(top: string): Promise<(file: { path: Buffer }) => boolean> {
    const named = [dataDir, ...ownFiles].map((path) => resolve(path))
    const real = await Promise.all(named.map((path) => realpath(path).catch(() => path)))
    return ({ path }) => !isBelow(join(top, path.toString()), [...named, ...real])
  }
}

/** To look into a submodule Git would run itself in there, with the settings it finds. */
const SUBMODULES = '--ignore-submodules=dirty'

async function diffArguments(view: View, what: DiffRequest, signal: AbortSignal): Promise<string[]> {
  const { from, to, isStaged, path } = what
  const commits: string[] = []
  for (const name of [from, to]) {
    if (name === undefined) continue
    const commit = await commitOf(view, name, signal)
    if (commit === undefined) throw new AppError('revision_unknown', `There is no commit ${name} here.`)
    commits.push(commit)
  }
  return [
    'diff',
    '--raw',
    '--numstat',
    '--patch',
    '--no-abbrev',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    '--find-renames',
    '--src-prefix=a/',
    '--dst-prefix=b/',
    SUBMODULES,
    // Of a conflict: how the file differs from what was there before, instead of a diff of three.
    ...(commits.length === 0 && !isStaged ? ['--ours'] : []),
    ...(isStaged ? ['--cached'] : []),
    ...commits,
    '--',
    ...(path === undefined ? [] : [path]),
  ]
}

/** The id of the commit that a name stands for. */
async function commitOf(view: View, name: string, signal: AbortSignal): Promise<string | undefined> {
  const { stdout, code } = await view.git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`], {}, signal)
  const id = stdout.toString().trim()
  return code === 0 && /^[0-9a-f]{40,64}$/.test(id) ? id : undefined
}

async function succeed(view: View, args: readonly string[], signal: AbortSignal): Promise<Output> {
  const output = await view.git(args, {}, signal)
  if (output.code === 0) return output
  const [words = ''] = output.complaint.split('\n')
  throw unreadable(`Git cannot read the repository: ${words.slice(0, 300)}`)
}
