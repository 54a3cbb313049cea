import { readFileSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { newWorld, runToEnd, startProgram, type World } from './program.ts'

const command = (world: World, ...args: string[]) => runToEnd(world, [...args, '--data-dir', world.dataDir])

test('a token is made, listed and revoked on the command line, while the service runs and before it ever has', async () => {
  const world = await newWorld()
  const folder = world.folder('work')
  const early = await command(world, 'token', 'create', 'early', '--scopes', 'read')
  expect(early).toMatchObject({ code: 0, stdout: expect.stringMatching(/^cproxy_[\w-]{43}\n$/) })
  const program = await startProgram(world, ['--agent', 'scripted', '--require-token', 'true', '--log-level', 'debug'])
  const late = await command(world, 'token', 'create', 'phone', '--roots', folder, '--expires=90d')
  expect(late.stderr).toContain(`phone: read, run, approve, in ${folder}, until 20`)
  const list = (secret: string) =>
    call(`${program.base}/v1/conversations`, { headers: { authorization: `Bearer ${secret.trim()}` } })
  for (const { stdout } of [early, late]) expect((await list(stdout)).status).toBe(200)

  const listed = await command(world, 'token', 'list')
  expect(listed.stdout).toMatch(
    /^[0-9a-f]{32} {2}early: read, in every folder, until it is revoked\n[0-9a-f]{32} {2}phone/,
  )
  expect(await command(world, 'token', 'create', 'phone')).toMatchObject({ code: 1, stdout: '' })
  expect(await command(world, 'token', 'revoke', 'phone')).toMatchObject({ code: 0, stdout: 'revoked phone\n' })
  expect((await list(late.stdout)).status).toBe(401)
  expect((await list(early.stdout)).status).toBe(200)
  const id = listed.stdout.slice(0, 32)
  expect(await command(world, 'token', 'revoke', id)).toMatchObject({ code: 0, stdout: 'revoked early\n' })
  expect(await command(world, 'token', 'revoke', id)).toMatchObject({ code: 1 })

  const audit = async (...args: string[]) => (await command(world, 'audit', ...args)).stdout
  const actions = (await audit()).split('\n').map((line) => line.split('  ')[2])
  expect(actions).toEqual(['createToken', 'createToken', 'revokeToken', 'revokeToken', undefined])
  const lines = (await audit('--json', '--since', '1h')).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ who: 'operator' }, {}, {}, { subject: id }])
  expect(await audit('--since', '2999-01-01')).toBe('')

  program.signal('SIGTERM')
  await program.exit
  for (const { stdout } of [early, late]) {
    expect(program.stderr).not.toContain(stdout.trim())
    for (const file of globSync('**/*.*', { cwd: world.dataDir }))
      expect([file, readFileSync(join(world.dataDir, file), 'latin1').includes(stdout.trim())]).toEqual([file, false])
  }
})

test.each([
  [['token', 'create', 'x', '--scopes', 'everything'], /"everything" is no scope/],
  [['token', 'create', 'x', '--roots', '/not/there'], /\/not\/there is not there/],
  [['token', 'create', 'x', '--expires', 'soon'], /"soon" is no time to come/],
  [['token', 'create', 'x', '--expires', '2001-01-01'], /no time to come/],
  [['token', 'create', 'operator'], /cannot be the name/],
  [['token', 'create', 'a b'], /cannot be the name/],
  [['token', 'create', 'x', '--qr', '--url', 'ftp://x'], /no address/],
  [['token', 'create'], /Say which NAME/],
  [['token', 'create', 'x', '--expires'], /--expires takes 90d/],
  [['token', 'list', '--scopes', 'read'], /--scopes/],
  [['token'], /token/],
])('%j is refused in a sentence, and makes nothing', async (args, sentence) => {
  const world = await newWorld()
  const { code, stdout, stderr } = await command(world, ...args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(sentence)
  expect((await command(world, 'token', 'list')).stdout).toBe('')
})
