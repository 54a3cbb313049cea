import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { expectError } from '../http/expectations.ts'
import { startTestService } from '../support/service.ts'
import { ask, repository } from './git.ts'

/** A repository can make who reads it wait. Nobody else must, and not for long. */

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
