import type { Examples } from '../examples.ts'
import { at, conversation_id, cwd, run_id } from './subjects.ts'

const commit = '2f1e0d9c8b7a69584736251403f2e1d0c9b8a796'
const hunk = '@@ -1 +1 @@\n-export const MOST_TRIES = 5\n+export const MOST_TRIES = 3'

export const folders: Examples = {
  folders: { answer: { roots: ['/home/me'], home: '/home/me' } },
  files: {
    query: { cwd, path: 'src' },
    answer: {
      entries: [{ name: 'login.ts', kind: 'file', size: 812, modified_at: at, hidden: false }],
      next_cursor: null,
    },
  },
  file: { query: { cwd, path: 'src/login.ts', lines: '1-1' }, answer: 'export const MOST_TRIES = 3\n' },
  gitStatus: {
    query: { cwd },
    answer: {
      repository: cwd,
      branch: 'main',
      commit,
      files: [{ path: 'src/login.ts', staged: null, unstaged: 'modified' }],
      truncated: false,
    },
  },
  gitDiff: {
    query: { cwd, path: 'src/login.ts' },
    answer: {
      repository: cwd,
      files: [
        {
          path: 'src/login.ts',
          status: 'modified',
          additions: 1,
          deletions: 1,
          binary: false,
          patch: `diff --git …\n${hunk}\n`,
        },
      ],
      truncated: false,
    },
  },
  gitLog: {
    query: { cwd, limit: '1' },
    answer: {
      commits: [
        {
          id: commit,
          parents: [],
          author: { name: 'Ada', email: 'ada@example.org', at: '2026-11-23T09:15:30+01:00' },
          committed_at: '2026-11-23T09:15:30+01:00',
          subject: 'Begin',
          body: '',
        },
      ],
      next_cursor: `${commit}.1`,
    },
  },
  runDiff: {
    path: { id: conversation_id, run_id },
    answer: {
      conversation_id,
      run_id,
      files: [
        {
          path: `${cwd}/src/login.ts`,
          status: 'modified',
          additions: 1,
          deletions: 1,
          edits: [{ seq: 41, tool_name: 'Edit', patch: hunk }],
        },
      ],
      unknown: [{ tool_name: 'Bash', calls: 2 }],
      truncated: false,
    },
  },
}
