import { type Answer, ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import type { Commit, FileDiff, GitFile } from '../../core/ports/git.ts'
import { pathBody } from '../path-body.ts'
import { readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'

type Deps = Pick<RoutesDeps, 'workspace'>

/** The doors for what Git says of a folder. */
export function gitRoutes({ workspace }: Deps): Routes<'gitStatus' | 'gitDiff' | 'gitLog'> {
  return {
    async gitStatus({ request, signal }) {
      const { cwd } = await readQuery(request.url, ENDPOINTS.gitStatus.query)
      const { top, branch, commit, files, isCut } = await workspace.status(cwd, signal())
      return {
        repository: top,
        branch: branch ?? null,
        commit: commit ?? null,
        files: files.map((file) => fileBody(file)),
        truncated: isCut,
      }
    },

    async gitDiff({ request, signal }) {
      const { cwd, from, to, path, staged } = await readQuery(request.url, ENDPOINTS.gitDiff.query)
      const what = { from, to, path, isStaged: staged ?? false }
      const { top, files, isCut } = await workspace.diff(cwd, what, signal())
      return { repository: top, files: files.map((file) => diffBody(file)), truncated: isCut }
    },

    async gitLog({ request, signal }) {
      const { cwd, limit = 50, cursor: after } = await readQuery(request.url, ENDPOINTS.gitLog.query)
      const { commits, next } = await workspace.log(cwd, { after, limit }, signal())
      return {
        commits: commits.map((commit) => commitBody(commit)),
        next_cursor: next ? `${next.commit}.${next.skip}` : null,
      }
    },
  }
}

function fileBody({ path, oldPath, staged, unstaged }: GitFile): Answer<'GitStatus'>['files'][number] {
  return {
    ...pathBody('path', path),
    ...(oldPath && pathBody('old_path', oldPath)),
    staged: staged ?? null,
    unstaged: unstaged ?? null,
  }
}

function diffBody({
  path,
  oldPath,
  status,
  additions,
  deletions,
  patch,
}: FileDiff): Answer<'GitDiff'>['files'][number] {
  return {
    ...pathBody('path', path),
    ...(oldPath && pathBody('old_path', oldPath)),
    status,
    additions: additions ?? null,
    deletions: deletions ?? null,
    binary: additions === undefined,
    patch: patch?.toString() ?? null,
  }
}

function commitBody({ id, parents, author, committedAt, subject, body }: Commit): Answer<'GitLog'>['commits'][number] {
  return { id, parents, author, committed_at: committedAt, subject, body }
}
