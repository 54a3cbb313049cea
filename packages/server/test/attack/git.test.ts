import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { expectError } from '../http/expectations.ts'
import { type Answer, call } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** A repository can name programs in dozens of places, and lead anywhere. Looking at it must run none, and go nowhere. */

const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    env: ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  })
}

/** The same, where all that counts is what it sets off. */
function tryGit(cwd: string, ...args: string[]): void {
  try {
    git(cwd, ...args)
  } catch {
    // A program of the repository that fails makes it fail.
  }
}

type Door = 'status' | 'diff' | 'log'
const DOORS: Door[] = ['status', 'diff', 'log']
const ask = (service: { readonly base: string }, door: Door, cwd: string, more = ''): Promise<Answer> =>
  call(`${service.base}/v1/git/${door}?cwd=${encodeURIComponent(cwd)}${more}`)

function repository(service: TestService, name?: string): string {
  const cwd = service.folder(name)
  git(cwd, 'init', '-q', '-b', 'main')
  writeFileSync(join(cwd, 'file'), 'one\n')
  git(cwd, 'add', '.')
  git(cwd, 'commit', '-qm', 'Begin')
  return cwd
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

test.each([
  [
    '.git is a file that points out',
    (cwd: string, outside: string) => {
      rmSync(join(cwd, '.git'), { recursive: true })
      writeFileSync(join(cwd, '.git'), `gitdir: ${outside}/.git\n`)
    },
  ],
  [
    '.git is a link that leads out',
    (cwd: string, outside: string) => {
      rmSync(join(cwd, '.git'), { recursive: true })
      symlinkSync(join(outside, '.git'), join(cwd, '.git'))
    },
  ],
  [
    'commondir points out',
    (cwd: string, outside: string) => writeFileSync(join(cwd, '.git/commondir'), `${outside}/.git\n`),
  ],
  [
    'alternates point out',
    (cwd: string, outside: string) => {
      mkdirSync(join(cwd, '.git/objects/info'), { recursive: true })
      writeFileSync(join(cwd, '.git/objects/info/alternates'), `${outside}/.git/objects\n`)
    },
  ],
  [
    'objects lead out',
    (cwd: string, outside: string) => {
      rmSync(join(cwd, '.git/objects'), { recursive: true })
      symlinkSync(join(outside, '.git/objects'), join(cwd, '.git/objects'))
    },
  ],
  [
    'refs lead out',
    (cwd: string, outside: string) => {
      rmSync(join(cwd, '.git/refs'), { recursive: true })
      symlinkSync(join(outside, '.git/refs'), join(cwd, '.git/refs'))
    },
  ],
  [
    'a directory of objects leads out',
    (cwd: string, outside: string) => {
      const name = readdirSync(join(outside, '.git/objects')).find((each) => /^[0-9a-f]{2}$/.test(each)) ?? ''
      rmSync(join(cwd, '.git/objects', name), { recursive: true, force: true })
      symlinkSync(join(outside, '.git/objects', name), join(cwd, '.git/objects', name))
    },
  ],
  [
    'an object leads out',
    (cwd: string, outside: string) => {
      mkdirSync(join(cwd, '.git/objects/00'), { recursive: true })
      symlinkSync(join(outside, 'file.txt'), join(cwd, '.git/objects/00', '1'.repeat(38)))
    },
  ],
  [
    'a pack leads out',
    (cwd: string, outside: string) => {
      mkdirSync(join(cwd, '.git/objects/pack'), { recursive: true })
      symlinkSync(join(outside, 'any.pack'), join(cwd, '.git/objects/pack/pack-1.pack'))
    },
  ],
  [
    'a link to a directory inside has one that leads out',
    (cwd: string, outside: string) => {
      mkdirSync(join(cwd, 'inner'))
      symlinkSync(join(outside, '.git'), join(cwd, 'inner/objects'))
      symlinkSync(join(cwd, 'inner'), join(cwd, '.git/objects/ff'))
    },
  ],
  [
    'a branch leads out',
    (cwd: string, outside: string) =>
      symlinkSync(join(outside, '.git/refs/heads/main'), join(cwd, '.git/refs/heads/other')),
  ],
  [
    'packed references lead out',
    (cwd: string, outside: string) => symlinkSync(join(outside, '.git/packed-refs'), join(cwd, '.git/packed-refs')),
  ],
  [
    'the list of alternates leads out',
    (cwd: string, outside: string) => {
      mkdirSync(join(cwd, '.git/objects/info'), { recursive: true })
      writeFileSync(join(outside, 'list'), `${outside}/.git/objects\n`)
      symlinkSync(join(outside, 'list'), join(cwd, '.git/objects/info/alternates'))
    },
  ],
  [
    'an alternate of an alternate points out',
    (cwd: string, outside: string) => {
      for (const [at, to] of [
        [join(cwd, '.git/objects'), join(cwd, 'inner')],
        [join(cwd, 'inner'), join(outside, '.git/objects')],
      ] as const) {
        mkdirSync(join(at, 'info'), { recursive: true })
        writeFileSync(join(at, 'info/alternates'), `# elsewhere\n${to}\n`)
      }
    },
  ],
  [
    'a link of a link leads out, to where nothing is',
    (cwd: string, outside: string) => {
      symlinkSync(join(outside, 'nothing'), join(cwd, 'way'))
      symlinkSync(join(cwd, 'way'), join(cwd, '.git/info/exclude-too'))
    },
  ],
  [
    'gitdir points to where nothing is',
    (cwd: string, outside: string) => {
      rmSync(join(cwd, '.git'), { recursive: true })
      writeFileSync(join(cwd, '.git'), `gitdir: ${outside}/nothing\n`)
    },
  ],
])('where roots are set, no other repository is read through this one: %s', async (_, mislead) => {
  await using elsewhere = await startTestService()
  const [cwd, outside] = [repository(elsewhere, 'root/in'), repository(elsewhere, 'out')]
  await using service = await startTestService({ config: { allowedRoots: [join(cwd, '..')] } })
  expect((await ask(service, 'log', cwd)).status).toBe(200)
  mislead(cwd, outside)
  for (const door of DOORS) expectError(await ask(service, door, cwd), 403, 'forbidden_path')
})

test('where roots are set, links and alternates that stay inside are followed, and a list in quotes is not', async () => {
  await using elsewhere = await startTestService()
  const [cwd, other] = [repository(elsewhere, 'root/in'), repository(elsewhere, 'root/other')]
  await using service = await startTestService({ config: { allowedRoots: [join(cwd, '..')] } })
  mkdirSync(join(cwd, '.git/objects/info'), { recursive: true })
  const list = join(cwd, '.git/objects/info/alternates')
  writeFileSync(list, '../../../other/.git/objects\n')
  rmSync(join(cwd, '.git/refs/heads'), { recursive: true })
  symlinkSync(join(other, '.git/refs/heads'), join(cwd, '.git/refs/heads'))
  const { json } = await ask(service, 'log', cwd)
  expect(json).toMatchObject((await ask(service, 'log', other)).json ?? {})
  writeFileSync(list, `"${other}/.git/objects"\n`)
  expectError(await ask(service, 'log', cwd), 422, 'repository_unreadable')
})

test('a repository above the allowed roots is none, and core.worktree moves nothing', async () => {
  await using elsewhere = await startTestService()
  const [top, outside] = [repository(elsewhere), elsewhere.folder()]
  mkdirSync(join(top, 'root'))
  await using service = await startTestService({ config: { allowedRoots: [join(top, 'root')] } })
  expectError(await ask(service, 'status', join(top, 'root')), 404, 'not_a_repository')
  writeFileSync(join(outside, 'secret'), 'secret')
  git(top, 'config', 'core.worktree', outside)
  const { json } = await ask(elsewhere, 'status', top)
  expect(json).toMatchObject({ repository: top, files: [] })
})

test('an index that names files outside shows none of them', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  writeFileSync(join(cwd, '../secret'), 'the secret\n')
  writeFileSync(join(cwd, '..xsecret'), 'bait\n')
  git(cwd, 'add', '.')
  const path = join(cwd, '.git/index')
  const index = Buffer.from(readFileSync(path, 'latin1').replace('..xsecret', '../secret'), 'latin1')
  const body = index.subarray(0, -20)
  writeFileSync(path, Buffer.concat([body, createHash('sha1').update(body).digest()]))
  for (const door of ['status', 'diff'] as const) {
    const answer = await ask(service, door, cwd)
    expectError(answer, 422, 'repository_unreadable')
    expect(answer.text).not.toContain('the secret')
  }
})

test.each(['.git/index', '.git/config', '.git/HEAD', '.git/commondir', '.git/objects/info/alternates'])(
  'a pipe in the place of %s makes nobody wait',
  async (name) => {
    await using service = await startTestService()
    const cwd = repository(service)
    rmSync(join(cwd, name), { force: true })
    execFileSync('mkfifo', [join(cwd, name)])
    const { status } = await ask(service, 'status', cwd)
    expect([200, 404, 422]).toContain(status)
    expect(service.complaints).toEqual([])
  },
)

test('where Git itself is made to wait it is ended, and others go on', async () => {
  await using service = await startTestService()
  const [cwd, other] = [repository(service), repository(service)]
  execFileSync('mkfifo', [join(cwd, '.git/packed-refs')])
  const stuck = Promise.all(Array.from({ length: 3 }, () => ask(service, 'log', cwd)))
  expect((await ask(service, 'log', other)).status).toBe(200)
  for (const answer of await stuck) expectError(answer, 422, 'repository_unreadable')
  // Nobody is left at the pipe: a writer that does not wait finds no reader.
  expect(() => execFileSync('sh', ['-c', 'timeout 1 sh -c ": > .git/packed-refs"'], { cwd })).toThrow('Command failed')
  expect(service.complaints).toEqual([])
})

test('however many ask at once, few indexes are copied at a time', async () => {
  await using service = await startTestService()
  const cwd = repository(service)
  const temporary = service.folder()
  vi.stubEnv('TMPDIR', temporary)
  try {
    let most = 0
    const asking = { isOver: false }
    const asked = Promise.all(Array.from({ length: 24 }, () => ask(service, 'status', cwd))).finally(
      () => (asking.isOver = true),
    )
    while (!asking.isOver) {
      most = Math.max(most, readdirSync(temporary).length)
      await nextTick()
    }
    for (const { status } of await asked) expect(status).toBe(200)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(4)
    expect(readdirSync(temporary)).toEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
})

test('our own data is not shown, also as a part of a repository', async () => {
  await using elsewhere = await startTestService()
  const cwd = repository(elsewhere)
  const [dataDir, tokenFile] = [join(cwd, 'data'), join(cwd, 'token')]
  writeFileSync(tokenFile, 'secret-token', { mode: 0o600 })
  await using service = await startTestService({ config: { dataDir, tokenFile } })
  git(cwd, 'add', '-N', 'token')
  git(cwd, 'add', '-N', '-f', 'data')
  appendFileSync(join(cwd, 'file'), 'two\n')
  for (const door of ['status', 'diff'] as const) {
    const { json, text } = await ask(service, door, cwd)
    expect((json as { files?: object[] }).files).toMatchObject([{ path: 'file' }])
    expect(text).not.toContain('secret-token')
  }
})
