import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectError } from '../http/expectations.ts'
import { startTestService } from '../support/service.ts'
import { ask, DOORS, ENVIRONMENT, git, repository } from './git.ts'

/** A repository can name programs in dozens of places. Looking at it must run none. */

/** The same, where all that counts is what it sets off. */
function tryGit(cwd: string, ...args: string[]): void {
  try {
    git(cwd, ...args)
  } catch {
    // A program of the repository that fails makes it fail.
  }
}

/** Programs that leave a mark of their name in `canary` when they are run. */
function createCanary(directory: string) {
  mkdirSync(directory, { recursive: true })
  mkdirSync(join(directory, 'sung'), { recursive: true })
  return {
    program(name: string): string {
      const path = join(directory, name)
      writeFileSync(path, `#!/bin/sh\ntouch "${directory}/sung/${name}"\n`)
      chmodSync(path, 0o755)
      return path
    },
    sung: () => readdirSync(join(directory, 'sung')).sort(),
    hush: () => {
      for (const name of readdirSync(join(directory, 'sung'))) unlinkSync(join(directory, 'sung', name))
    },
  }
}

type Canary = ReturnType<typeof createCanary>

const HOOKS = [
  'post-index-change',
  'fsmonitor-watchman',
  'query-watchman',
  'post-checkout',
  'reference-transaction',
  'pre-auto-gc',
]

/** Everything that names a program, and what would have it run or its output look otherwise. */
function settingsOf(canary: Canary, hooks: string): string[][] {
  const one = (key: string, name = key.replaceAll('.', '-')) => [key, canary.program(name)]
  return [
    one('core.fsmonitor'),
    ['core.hooksPath', hooks],
    ...['core.pager', 'pager.status', 'pager.diff', 'pager.log', 'core.editor', 'sequence.editor'].map((key) =>
      one(key),
    ),
    ...['core.sshCommand', 'core.gitProxy', 'core.askPass', 'core.alternateRefsCommand'].map((key) => one(key)),
    ...['diff.external', 'diff.evil.command', 'diff.evil.textconv', 'interactive.diffFilter'].map((key) => one(key)),
    ...['filter.evil.clean', 'filter.evil.smudge', 'filter.evil.process'].map((key) => one(key)),
    ['filter.evil.required', 'true'],
    ...['merge.evil.driver', 'credential.helper', 'gpg.program', 'gpg.ssh.program', 'gpg.x509.program'].map((key) =>
      one(key),
    ),
    ['log.showSignature', 'true'],
    ...['status', 'diff', 'log', 'rev-parse', 'config'].map((name) => [
      `alias.${name}`,
      `!${canary.program(`alias-${name}`)}`,
    ]),
    ...['uploadpack.packObjectsHook', 'trailer.evil.command', 'trailer.evil.cmd', 'web.browser'].map((key) => one(key)),
    ['diff.submodule', 'diff'],
    ['diff.ignoreSubmodules', 'none'],
    ['status.submoduleSummary', 'true'],
    ['submodule.recurse', 'true'],
    ['protocol.ext.allow', 'always'],
    ['core.quotePath', 'false'],
    ['diff.noprefix', 'true'],
    ['color.ui', 'always'],
    ['diff.wordRegex', '.'],
  ]
}

function makeHostile(cwd: string, canary: Canary): void {
  const hooks = join(cwd, '.git/hooks')
  mkdirSync(hooks, { recursive: true })
  for (const name of HOOKS) symlinkSync(canary.program(`hook-${name}`), join(hooks, name))
  const included = join(cwd, '.git/included')
  writeFileSync(included, `[core]\n\tfsmonitor = ${canary.program('included-fsmonitor')}\n`)
  for (const [key = '', value = ''] of settingsOf(canary, hooks)) git(cwd, 'config', '--add', key, value)
  git(cwd, 'config', '--add', 'include.path', included)
  git(cwd, 'config', '--add', `includeIf.gitdir:${cwd}/.path`, included)
  git(cwd, 'config', 'extensions.worktreeConfig', 'true')
  writeFileSync(join(cwd, '.git/config.worktree'), `[core]\n\tfsmonitor = ${canary.program('worktree-fsmonitor')}\n`)
  writeFileSync(join(cwd, '.gitattributes'), '* filter=evil diff=evil merge=evil\n')
  mkdirSync(join(cwd, '.git/info'), { recursive: true })
  writeFileSync(join(cwd, '.git/info/attributes'), '* filter=evil diff=evil merge=evil\n')
}

/** A commit with something in the place of a signature, which only a program can judge. */
function signCommit(cwd: string): void {
  const plain = git(cwd, 'cat-file', 'commit', 'HEAD')
  const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n\n'
  const signed = plain.replace('\n\n', `\n${signature}`)
  const id = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], {
    cwd,
    env: ENVIRONMENT,
    input: signed,
  })
  git(cwd, 'update-ref', 'HEAD', id.toString().trim())
}

test('of all programs that a repository names, none is run', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  const canary = createCanary(join(cwd, '../canary'))
  const inside = repository(service, 'inside-source')
  git(cwd, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inside, 'inside')
  git(cwd, 'commit', '-qm', 'With a submodule')
  signCommit(cwd)
  const submodule = git(join(cwd, 'inside'), 'rev-parse', '--absolute-git-dir').trim()
  const innerCanary = createCanary(join(cwd, '../inner'))
  git(join(cwd, 'inside'), 'config', 'core.fsmonitor', innerCanary.program('fsmonitor'))
  git(join(cwd, 'inside'), 'config', 'filter.evil.clean', innerCanary.program('clean'))
  git(join(cwd, 'inside'), 'config', 'diff.external', innerCanary.program('external'))
  mkdirSync(join(submodule, 'info'), { recursive: true })
  writeFileSync(join(submodule, 'info/attributes'), '* filter=evil\n')
  makeHostile(cwd, canary)
  const change = (n: number) => {
    writeFileSync(join(cwd, 'file'), `change ${n}\n`)
    writeFileSync(join(cwd, 'inside/file'), `change ${n}\n`)
  }

  // The trap works: Git itself, asked the same by the same user, runs them, some only where others do not come first.
  change(1)
  const calm = ['-c', 'filter.evil.process=', '-c', 'filter.evil.clean=', '-c', 'filter.evil.required=false']
  for (const args of [
    ['status'],
    ['log'],
    ['diff'],
    [...calm, 'diff'],
    [...calm, 'diff', '--no-ext-diff'],
    ['read-tree', 'HEAD'],
  ])
    tryGit(cwd, ...args)
  expect(canary.sung()).toEqual(
    expect.arrayContaining([
      'diff-evil-command',
      'diff-evil-textconv',
      'filter-evil-process',
      'gpg-program',
      'hook-post-index-change',
      'worktree-fsmonitor',
    ]),
  )
  expect(innerCanary.sung()).toContain('fsmonitor')
  canary.hush()
  innerCanary.hush()

  change(2)
  const answers = await Promise.all([
    ...DOORS.map((door) => ask(service, door, cwd)),
    ask(service, 'diff', cwd, '&staged=true'),
    ask(service, 'diff', cwd, '&from=HEAD'),
    ask(service, 'diff', cwd, '&from=HEAD~1&to=HEAD'),
    ask(service, 'diff', cwd, '&path=file'),
    ...DOORS.map((door) => ask(service, door, join(cwd, 'inside'))),
  ])
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(answers[0]?.json).toMatchObject({
    files: [{ path: 'file', unstaged: 'modified' }, { path: '.gitattributes' }],
  })
  expect(answers[1]?.json).toMatchObject({
    files: [{ path: 'file', patch: expect.stringMatching(/^diff --git a\/file b\/file\n[^]*\n-one\n\+change 2\n$/) }],
  })
  expect([canary.sung(), innerCanary.sung()]).toEqual([[], []])
  expect(service.complaints).toEqual([])
})

test('an object that is missing is fetched from nowhere', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  const canary = createCanary(join(cwd, '../canary'))
  git(cwd, 'config', 'core.repositoryformatversion', '1')
  git(cwd, 'config', 'extensions.partialClone', 'origin')
  git(cwd, 'config', 'remote.origin.promisor', 'true')
  git(cwd, 'config', 'remote.origin.url', `ext::${canary.program('ext')}`)
  git(cwd, 'config', 'protocol.ext.allow', 'always')
  const blob = git(cwd, 'rev-parse', 'HEAD:file').trim()
  rmSync(join(cwd, '.git/objects', blob.slice(0, 2), blob.slice(2)))
  writeFileSync(join(cwd, 'file'), 'two\n')
  tryGit(cwd, 'diff')
  expect(canary.sung()).toEqual(['ext'])
  canary.hush()
  expectError(await ask(service, 'diff', cwd), 422, 'repository_unreadable')
  expect((await ask(service, 'status', cwd)).status).toBe(200)
  expect(canary.sung()).toEqual([])
})

test('a program in the folder is not taken for Git', async () => {
  await using elsewhere = await startTestService()
  const cwd = repository(elsewhere)
  const canary = createCanary(join(cwd, '../canary'))
  symlinkSync(canary.program('git'), join(cwd, 'git'))
  await using service = await startTestService({ environment: { PATH: `.::${process.env['PATH']}` } })
  expect((await ask(service, 'status', cwd)).status).toBe(200)
  expect(canary.sung()).toEqual([])
})
