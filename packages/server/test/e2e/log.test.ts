import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { call, streamAll } from '../support/client.ts'
import { newWorld, PATIENCE, runToEnd, startProgram } from './program.ts'

const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line))

it('secrets that come in wherever they can are in no line of the log', async () => {
  const world = await newWorld({ model: true })
  const secrets = {
    token: 'Geheim-Token-1',
    key: 'Geheim-Key-22',
    header: 'Geheim-Header-3',
    cookie: 'Geheim-Cookie-4',
  }
  world.environment['CLAUDE_PROXY_TOKEN'] = secrets.token
  world.environment['ANTHROPIC_API_KEY'] = secrets.key
  const program = await startProgram(world, ['--log-level', 'debug'])
  const headers = { authorization: `Bearer ${secrets.token}`, cookie: secrets.cookie, 'x-api-key': secrets.header }
  const call_ = (path: string, body?: object) =>
    call(`${program.base}${path}`, { headers, ...(body && { method: 'POST', body }) })
  const cwd = world.folder(`folder-${secrets.token}-${secrets.key}`)
  const all = Object.values(secrets).join(' ')
  const servers = { x: { type: 'http', url: `http://127.0.0.1:1/?key=${secrets.key}`, headers: { a: secrets.header } } }
  // A run whose agent cannot begin, with all of them in what it says of it.
  await call_('/v1/agent/stream', { conversation_id: 'c', cwd, text: all, mcp_servers: servers, model: all })
  await call_(`/v1/${secrets.token}/${secrets.key}`)
  await call_(`/v1/conversations/c/events?since=0&token=${secrets.token}&key=${secrets.cookie}`)
  await call_('/v1/agent/stream', { conversation_id: 'c', cwd: `/nowhere/${secrets.key}`, text: 'x' })
  await call(`${program.base}/v1/conversations`, { headers: { authorization: `Bearer wrong-${secrets.header}` } })
  program.signal('SIGTERM')
  await program.exit
  expect(linesOf(program.stderr).filter(({ msg }) => msg === 'answered').length).toBeGreaterThanOrEqual(5)
  for (const secret of Object.values(secrets)) expect(program.stderr).not.toContain(secret)
})

it('a request is known by its id in its answer and in the log, with the run that it began', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted', '--log-level', 'debug'])
  const body = { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' }
  const sent = await call(`${program.base}/v1/agent/stream`, {
    method: 'POST',
    body,
    headers: { 'x-request-id': 'phone:7/a' },
  })
  expect(sent.headers['x-request-id']).toBe('phone:7/a')
  const run = sent.headers['x-proxy-run-id']
  expect(run).toMatch(/^[0-9a-f]{32}$/)
  const odd = await call(`${program.base}/healthz?secret=1`, { headers: { 'x-request-id': 'a b"}' } })
  expect(odd.headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/)
  const answered = () => linesOf(program.stderr).filter(({ msg }) => msg === 'answered')
  await expect.poll(() => answered().length, PATIENCE).toBe(2)
  expect(answered()).toEqual([
    expect.objectContaining({ request: 'phone:7/a', method: 'POST', path: '/v1/agent/stream', status: 200, run }),
    expect.objectContaining({ request: odd.headers['x-request-id'], method: 'GET', path: '/healthz', status: 200 }),
  ])
  expect(program.stderr).not.toContain('secret=1')
})

it('--log-file takes the log, bounded, and stderr has none of it', async () => {
  const world = await newWorld()
  const file = join(world.folder('logs'), 'proxy.log')
  const args = [
    '--agent',
    'scripted',
    '--log-level',
    'debug',
    '--log-file',
    file,
    '--log-megabytes',
    '1',
    '--log-files',
    '2',
  ]
  const program = await startProgram(world, args)
  await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' })
  const path = `/v1/${'x'.repeat(7000)}`
  for (let n = 0; n < 400; n++) await call(`${program.base}${path}`)
  program.signal('SIGTERM')
  await program.exit
  expect(program.stderr).toBe('')
  expect(readdirSync(world.folder('logs')).toSorted()).toEqual(['proxy.log', 'proxy.log.1'])
  const lines = linesOf(readFileSync(`${file}.1`, 'utf8') + readFileSync(file, 'utf8'))
  expect(lines.length).toBeGreaterThan(100)
  expect(lines.at(-1)).toMatchObject({ msg: 'stopped' })
})

it('a log file that cannot be written is told before the service begins', async () => {
  const world = await newWorld()
  const { code, stderr } = await runToEnd(world, ['--data-dir', world.dataDir, '--log-file', '/nowhere/at/all.log'])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^claude-proxy: .*\/nowhere\/at\/all\.log.*\n$/)
})
