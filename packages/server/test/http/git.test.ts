import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { expectError } from './expectations.ts'

/** Git as a person runs it, without this machine's settings. */
function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=A Person', '-c', 'user.email=person@example.org', '-c', 'init.defaultBranch=main']
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  return execFileSync('git', [...who, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

const ask = (service: TestService, door: 'status' | 'diff' | 'log', cwd: string, more = '') =>
  call(`${service.base}/v1/git/${door}?cwd=${encodeURIComponent(cwd)}${more}`)

type Diff = { files: { path: string; patch: string; [field: string]: unknown }[]; truncated: boolean }
const diff = async (service: TestService, cwd: string, more = '') =>
  (await ask(service, 'diff', cwd, more)).json as unknown as Diff

function repository(service: TestService): string {
  const cwd = service.folder()
  git(cwd, 'init', '-q')
  writeFileSync(join(cwd, 'a.txt'), 'one\ntwo\nthree\n')
  writeFileSync(join(cwd, 'bytes'), 'a\0b')
  git(cwd, 'add', '.')
  git(cwd, 'commit', '-qm', 'Begin\n\nWith two files.')
  return cwd
}

test('the status names what is staged, what is not, and what is new', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  expect((await ask(service, 'status', cwd)).json).toEqual({
    repository: cwd,
    branch: 'main',
    commit: git(cwd, 'rev-parse', 'HEAD').trim(),
    files: [],
    truncated: false,
  })
  git(cwd, 'mv', 'a.txt', 'b.txt')
  appendFileSync(join(cwd, 'b.txt'), 'four\n')
  writeFileSync(join(cwd, 'new\n"file" ü'), '')
  rmSync(join(cwd, 'bytes'))
  expect((await ask(service, 'status', cwd)).json).toMatchObject({
    files: [
      { path: 'b.txt', old_path: 'a.txt', staged: 'renamed', unstaged: 'modified' },
      { path: 'bytes', staged: null, unstaged: 'deleted' },
      { path: 'new\n"file" ü', staged: null, unstaged: 'untracked' },
    ],
  })
  git(cwd, 'checkout', '-q', '--detach')
  expect((await ask(service, 'status', cwd)).json).toMatchObject({ branch: null })
  // Also from below.
  mkdirSync(join(cwd, 'deep/er'), { recursive: true })
  expect((await ask(service, 'status', join(cwd, 'deep/er'))).json).toMatchObject({ repository: cwd })
})

test('the diff has a patch for each file, whatever it is called and whatever became of it', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  writeFileSync(join(cwd, 'a.txt'), 'one\nzwei\nthree\n')
  writeFileSync(join(cwd, 'bytes'), 'a\0c')
  expect(await diff(service, cwd)).toMatchObject({
    files: [
      { path: 'a.txt', status: 'modified', additions: 1, deletions: 1, binary: false },
      { path: 'bytes', status: 'modified', additions: null, deletions: null, binary: true },
    ],
    truncated: false,
  })
  expect((await diff(service, cwd)).files[0]?.patch).toMatch(
    /^diff --git a\/a\.txt b\/a\.txt\nindex .*\n--- a\/a\.txt\n\+\+\+ b\/a\.txt\n@@ -1,3 \+1,3 @@\n one\n-two\n\+zwei\n three\n$/,
  )
  expect((await diff(service, cwd, '&staged=true')).files).toEqual([])
  expect((await diff(service, cwd, '&path=bytes')).files).toMatchObject([{ path: 'bytes' }])
  const odd = 'x\ndiff --git a/y b/y\n"ü'
  mkdirSync(join(cwd, odd, '..'), { recursive: true })
  writeFileSync(join(cwd, odd), 'odd\n')
  git(cwd, 'add', '.')
  git(cwd, 'mv', 'a.txt', 'moved.txt')
  rmSync(join(cwd, 'bytes'))
  symlinkSync('moved.txt', join(cwd, 'bytes'))
  git(cwd, 'add', '.')
  const staged = await diff(service, cwd, '&staged=true')
  expect(staged.files).toMatchObject([
    {
      path: 'bytes',
      status: 'type_changed',
      patch: expect.stringMatching(/deleted file mode 100644[^]*new file mode 120000/),
    },
    { path: 'moved.txt', old_path: 'a.txt', status: 'renamed', patch: expect.stringContaining('rename to moved.txt') },
    { path: odd, status: 'added', additions: 1, patch: expect.stringContaining('+odd') },
  ])
  git(cwd, 'commit', '-qm', 'Second')
  expect((await diff(service, cwd, '&from=HEAD~1&to=main')).files).toHaveLength(3)
  expect((await diff(service, cwd, '&from=main&to=main')).files).toEqual([])
  expect((await diff(service, cwd, '&from=HEAD~1')).files).toHaveLength(3)
})

test('of a conflict it shows what is in the folder', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  git(cwd, 'checkout', '-qb', 'other')
  writeFileSync(join(cwd, 'a.txt'), 'theirs\n')
  git(cwd, 'commit', '-qam', 'Theirs')
  git(cwd, 'checkout', '-q', 'main')
  writeFileSync(join(cwd, 'a.txt'), 'ours\n')
  git(cwd, 'commit', '-qam', 'Ours')
  expect(() => git(cwd, 'merge', 'other')).toThrow('Command failed')
  expect((await ask(service, 'status', cwd)).json).toMatchObject({
    files: [{ path: 'a.txt', staged: 'unmerged', unstaged: 'unmerged' }],
  })
  const { files } = await diff(service, cwd)
  expect(files.map(({ status }) => status)).toEqual(['unmerged', 'modified'])
  expect(files[1]?.patch).toContain('+<<<<<<< HEAD')
})

test('the log comes page by page, and stays the same while commits are added', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  for (let n = 1; n <= 4; n++) git(cwd, 'commit', '-q', '--allow-empty', '-m', `Commit ${n}`)
  const subjects: string[] = []
  let cursor: string | null = ''
  for (let page = 0; cursor !== null; page++) {
    const more = cursor === '' ? '' : `&cursor=${cursor}`
    const { json } = await ask(service, 'log', cwd, `&limit=2${more}`)
    const { commits, next_cursor } = json as unknown as { commits: { subject: string }[]; next_cursor: string | null }
    subjects.push(...commits.map(({ subject }) => subject))
    cursor = next_cursor
    if (page === 0) git(cwd, 'commit', '-q', '--allow-empty', '-m', 'Meanwhile')
  }
  expect(subjects).toEqual(['Commit 4', 'Commit 3', 'Commit 2', 'Commit 1', 'Begin'])
  const [, , , , , first] = ((await ask(service, 'log', cwd)).json as unknown as { commits: object[] }).commits
  expect(first).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{40}$/),
    parents: [],
    author: { name: 'A Person', email: 'person@example.org', at: expect.stringMatching(/^\d{4}-/) },
    committed_at: expect.stringMatching(/^\d{4}-/),
    subject: 'Begin',
    body: 'With two files.',
  })
})

test('what is no repository, empty, unknown or not to be had is said', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  for (const door of ['status', 'diff', 'log'] as const)
    expectError(await ask(service, door, cwd), 404, 'not_a_repository')
  git(cwd, 'init', '-q')
  expect((await ask(service, 'status', cwd)).json).toMatchObject({ branch: 'main', commit: null, files: [] })
  expect((await ask(service, 'log', cwd)).json).toEqual({ commits: [], next_cursor: null })
  expect((await diff(service, cwd, '&staged=true')).files).toEqual([])
  expectError(await ask(service, 'diff', cwd, '&from=nothing'), 404, 'revision_unknown')
  for (const bad of ['-x', '--output=x', ':/x', 'HEAD:a', '@{u}', 'a b', '', 'x'.repeat(300)])
    expectError(await ask(service, 'diff', cwd, `&from=${encodeURIComponent(bad)}`), 400, 'bad_request')
  for (const bad of ['&to=main', '&from=main&to=main&staged=true'])
    expectError(await ask(service, 'diff', cwd, bad), 400, 'bad_request')
  expectError(await ask(service, 'log', cwd, '&cursor=x'), 400, 'bad_request')
  writeFileSync(join(cwd, '.git/index'), 'no index')
  expectError(await ask(service, 'status', cwd), 422, 'repository_unreadable')
  await using without = await startTestService({ environment: { PATH: '/nonexistent' } })
  expectError(await ask(without, 'status', repository(service)), 501, 'unavailable_here')
})

test('a linked work tree, a shallow clone, sha256 and a split index are read as what they are', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  const tree = join(cwd, '../tree')
  git(cwd, 'worktree', 'add', '-q', tree)
  appendFileSync(join(tree, 'a.txt'), 'in the tree\n')
  expect((await ask(service, 'status', tree)).json).toMatchObject({ branch: 'tree', files: [{ path: 'a.txt' }] })
  expect((await ask(service, 'status', cwd)).json).toMatchObject({ branch: 'main', files: [] })
  git(cwd, 'commit', '-q', '--allow-empty', '-m', 'More')
  git(cwd, 'clone', '-q', '--depth=1', `file://${cwd}`, '../shallow')
  expect((await ask(service, 'log', join(cwd, '../shallow'))).json).toMatchObject({ commits: [{ subject: 'More' }] })
  const large = service.folder('sha256')
  git(large, 'init', '-q', '--object-format=sha256')
  writeFileSync(join(large, 'file'), 'x\r\n')
  git(large, 'add', '.')
  git(large, 'commit', '-qm', 'Long ids')
  git(large, 'update-index', '--split-index')
  writeFileSync(join(large, 'file'), 'y\r\n')
  expect((await ask(service, 'log', large)).json).toMatchObject({
    commits: [{ id: expect.stringMatching(/^[0-9a-f]{64}$/) }],
  })
  expect((await diff(service, large)).files).toMatchObject([{ path: 'file', additions: 1, deletions: 1 }])
})

test('looking leaves the repository as it was', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  appendFileSync(join(cwd, 'a.txt'), 'x')
  const state = () =>
    execFileSync('sh', ['-c', 'find .git -type f -exec stat -c "%n %Y %Z %s" {} + | sort'], { cwd, encoding: 'utf8' })
  const before = state()
  // The index would be refreshed: its times are not those of the file any more.
  renameSync(join(cwd, 'a.txt'), join(cwd, 'a.old'))
  writeFileSync(join(cwd, 'a.txt'), 'one\ntwo\nthree\n')
  for (const door of ['status', 'diff', 'log'] as const) expect((await ask(service, door, cwd)).status).toBe(200)
  expect((await diff(service, cwd)).files).toEqual([])
  expect(state()).toBe(before)
})

test('a large diff is cut, and says so', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  writeFileSync(join(cwd, 'a.txt'), 'new line\n'.repeat(1000))
  writeFileSync(join(cwd, 'z.txt'), '')
  git(cwd, 'add', '-N', '.')
  writeFileSync(join(cwd, 'z.txt'), 'new line\n'.repeat(1_000_000))
  const { files, truncated } = await diff(service, cwd)
  expect(truncated).toBe(true)
  expect(files).toMatchObject([
    { path: 'a.txt', patch: expect.stringContaining('+new line') },
    { path: 'z.txt', additions: 1_000_000, patch: null },
  ])
})
