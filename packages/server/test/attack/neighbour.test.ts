import { execFile } from 'node:child_process'
import { accessSync, chmodSync, constants, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { newWorld, startProgram } from '../e2e/program.ts'
import { call, streamAll } from '../support/client.ts'

/** Another user of the same machine. Only root can become one. */
const NOBODY = 65_534
const canBecome = process.getuid?.() === 0 && canRun('/usr/bin/setpriv') && canRun('/usr/bin/curl')
if (!canBecome) process.stderr.write('SKIPPED: only root can try the service as another user of this machine.\n')

const run = promisify(execFile)

/** What a command of the other user prints, of both kinds. */
async function asNobody(...command: string[]): Promise<string> {
  const args = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--', ...command]
  return run('/usr/bin/setpriv', args, { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, timeout: 30_000 }).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
  )
}

test.skipIf(!canBecome)('with a token, another user of this machine gets at nothing', { timeout: 60_000 }, async () => {
  const world = await newWorld()
  const file = join(world.folder('secrets'), 'token')
  writeFileSync(file, 'Geheim-4711', { mode: 0o600 })
  const program = await startProgram(world, ['--agent', 'scripted', '--token-file', file])
  const headers = { authorization: 'Bearer Geheim-4711' }
  const body = { conversation_id: 'mine', cwd: world.folder('work'), text: 'a private word' }
  await call(`${program.base}/v1/agent/stream`, { method: 'POST', body, headers })
  // The folders on the way are open, as they are in most homes: what is private has to be so by itself.
  chmodSync(dirname(world.dataDir), 0o755)

  expect(await asNobody('curl', '-sS', `${program.base}/v1/conversations/mine/events`)).toContain('unauthorized')
  const guess = ['-H', 'Authorization: Bearer Geheim-471', '-d', '{}', `${program.base}/v1/agent/stream`]
  expect(await asNobody('curl', '-sS', ...guess)).toContain('unauthorized')
  for (const path of [
    file,
    `/proc/${program.pid}/environ`,
    join(world.dataDir, 'claude-proxy.db'),
    join(world.dataDir, 'lock.db'),
  ])
    expect(await asNobody('cat', path)).toMatch(/Permission denied/)
  expect(await asNobody('ls', world.dataDir)).toMatch(/Permission denied/)
  expect(await asNobody('cat', `/proc/${program.pid}/cmdline`)).not.toContain('Geheim')
})

test.skipIf(!canBecome)('without one, another user is as mighty as a client: docs/security.md says so', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  await streamAll(program.base, { conversation_id: 'mine', cwd: world.folder('work'), text: 'a private word' })
  expect(await asNobody('curl', '-sS', `${program.base}/v1/conversations/mine/events`)).toContain('a private word')
})

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
