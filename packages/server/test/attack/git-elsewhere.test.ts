import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectError } from '../http/expectations.ts'
import { startTestService } from '../support/service.ts'
import { ask, DOORS, git, repository } from './git.ts'

/** A repository can lead anywhere, and have in it what is ours. Looking at it must not go there. */

type Mislead = (cwd: string, outside: string) => void

/** A file in the place of `.git` that names this of the other repository. */
function pointing(to: string): Mislead {
  return (cwd, outside) => {
    rmSync(join(cwd, '.git'), { recursive: true })
    writeFileSync(join(cwd, '.git'), `gitdir: ${join(outside, to)}\n`)
  }
}

/** A link to the same of the other repository. */
function leading(path: string): Mislead {
  return (cwd, outside) => {
    rmSync(join(cwd, path), { recursive: true, force: true })
    symlinkSync(join(outside, path), join(cwd, path))
  }
}

test.each<[string, Mislead]>([
  ['.git is a file that points out', pointing('.git')],
  ['.git is a file that points to where nothing is', pointing('nothing')],
  ['.git is a link that leads out', leading('.git')],
  ['objects lead out', leading('.git/objects')],
  ['refs lead out', leading('.git/refs')],
  ['packed references lead out', leading('.git/packed-refs')],
  ['commondir points out', (cwd, outside) => writeFileSync(join(cwd, '.git/commondir'), `${outside}/.git\n`)],
  [
    'alternates point out',
    (cwd, outside) => {
      mkdirSync(join(cwd, '.git/objects/info'), { recursive: true })
      writeFileSync(join(cwd, '.git/objects/info/alternates'), `${outside}/.git/objects\n`)
    },
  ],
  [
    'a directory of objects leads out',
    (cwd, outside) => {
      const name = readdirSync(join(outside, '.git/objects')).find((each) => /^[0-9a-f]{2}$/.test(each)) ?? ''
      leading(join('.git/objects', name))(cwd, outside)
    },
  ],
  [
    'an object leads out',
    (cwd, outside) => {
      mkdirSync(join(cwd, '.git/objects/00'), { recursive: true })
      symlinkSync(join(outside, 'file.txt'), join(cwd, '.git/objects/00', '1'.repeat(38)))
    },
  ],
  [
    'a pack leads out',
    (cwd, outside) => {
      mkdirSync(join(cwd, '.git/objects/pack'), { recursive: true })
      symlinkSync(join(outside, 'any.pack'), join(cwd, '.git/objects/pack/pack-1.pack'))
    },
  ],
  [
    'a link to a directory inside has one that leads out',
    (cwd, outside) => {
      mkdirSync(join(cwd, 'inner'))
      symlinkSync(join(outside, '.git'), join(cwd, 'inner/objects'))
      symlinkSync(join(cwd, 'inner'), join(cwd, '.git/objects/ff'))
    },
  ],
  [
    'a branch leads out',
    (cwd, outside) => symlinkSync(join(outside, '.git/refs/heads/main'), join(cwd, '.git/refs/heads/other')),
  ],
  [
    'the list of alternates leads out',
    (cwd, outside) => {
      mkdirSync(join(cwd, '.git/objects/info'), { recursive: true })
      writeFileSync(join(outside, 'list'), `${outside}/.git/objects\n`)
      symlinkSync(join(outside, 'list'), join(cwd, '.git/objects/info/alternates'))
    },
  ],
  [
    'an alternate of an alternate points out',
    (cwd, outside) => {
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
    (cwd, outside) => {
      symlinkSync(join(outside, 'nothing'), join(cwd, 'way'))
      symlinkSync(join(cwd, 'way'), join(cwd, '.git/info/exclude-too'))
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
