import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { agents, descendants, newWorld, type Program, runToEnd, startProgram, type World } from '../e2e/program.ts'
import { call } from '../support/client.ts'

const TOKEN = 'Geheim-4711-token'
const KEY = 'Geheim-0815-key'
const SERVER_SECRET = 'Geheim-1234-server'
const bearer = { authorization: `Bearer ${TOKEN}` }

/** The ways to give the token that keep it out of the command line. */
const WAYS: Record<string, (world: World) => { world: World; args: string[] }> = {
  'in a file': (world) => {
    const file = join(world.folder('secrets'), 'token')
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 })
    return { world, args: ['--token-file', file] }
  },
  'in a file that the environment names': (world) => {
    const file = join(world.folder('secrets'), 'token')
    writeFileSync(file, TOKEN, { mode: 0o600 })
    return { world: withVariables(world, { CLAUDE_PROXY_TOKEN_FILE: file }), args: [] }
  },
  'in the environment, even if the agent should get it': (world) => ({
    world: withVariables(world, { CLAUDE_PROXY_TOKEN: TOKEN }),
    args: ['--agent-env', 'CLAUDE_PROXY_TOKEN'],
  }),
}

describe.each(Object.entries(WAYS))('a token given %s', (_, give) => {
  test('reaches neither the agent nor anything that is kept, logged or said', async () => {
    const plain = withVariables(await newWorld({ model: true }), { ANTHROPIC_API_KEY: KEY })
    const { world, args } = give(plain)
    const program = await startProgram(world, [...args, '--log-level', 'debug'])
    const ask = (path: string, body?: object, headers: Record<string, string> = bearer) =>
      call(`${program.base}${path}`, { method: body ? 'POST' : 'GET', headers, ...(body && { body }) })

    const servers = { x: { type: 'http', url: 'http://127.0.0.1:1/', headers: { authorization: SERVER_SECRET } } }
    const body = {
      conversation_id: 'secrets',
      cwd: world.folder('work'),
      allowed_tools: ['Bash'],
      mcp_servers: servers,
    }
    const commands = ['env', 'cat /proc/self/environ', 'cat /proc/$PPID/environ', 'cat /proc/$PPID/cmdline']
    const text = commands.map((command) => `@bash ${command} | tr '\\0' '\\n'`).join('\n')
    const streamed = await ask('/v1/agent/stream', { ...body, text })
    expect(streamed.text).toContain('"type":"result"')
    expect(streamed.text).toContain('PATH=')
    const refused = [
      await ask('/v1/conversations/secrets/events', undefined, {}),
      await ask('/v1/conversations/secrets/events', undefined, { authorization: `Bearer ${TOKEN}x` }),
      await ask('/v1/agent/stream', { ...body, cwd: '/not/there' }),
      await ask('/v1/nowhere'),
    ]
    const running = processesOf(program)
    expect(agents(program).length).toBeGreaterThan(0)
    for (const { argv, environ } of running.agents) expect(argv + environ).not.toContain(TOKEN)
    for (const { argv } of [running.service, ...running.agents])
      for (const secret of [TOKEN, KEY, SERVER_SECRET]) expect(argv).not.toContain(secret)
    program.signal('SIGTERM')
    await program.exit
    const output = [program.stderr, streamed.text, ...refused.map((answer) => JSON.stringify(answer))].join('\n')
    expect(output).not.toContain(TOKEN)
    expect(program.stderr).not.toContain(KEY)
    expect(program.stderr).not.toContain(SERVER_SECRET)
    for (const file of filesBelow(world.dataDir))
      expect([file, readFileSync(file, 'latin1').includes(TOKEN)]).toEqual([file, false])
  })
})

describe('a token file', () => {
  test.each([
    ['that others can read', 0o644, TOKEN, [], /chmod 600/],
    ['that a group can write', 0o620, TOKEN, [], /chmod 600/],
    ['that is empty', 0o600, '\n', [], /one line/],
    ['with two lines', 0o600, `${TOKEN}\nmore`, [], /one line/],
    ['with what no header can hold', 0o600, 'gehéim', [], /one line/],
    ['beside a token', 0o600, TOKEN, ['--token', 'x'], /not both/],
  ])('%s is refused in one sentence that does not tell the token', async (_, mode, text, more, names) => {
    const world = await newWorld()
    const file = join(world.folder('secrets'), 'token')
    writeFileSync(file, text)
    chmodSync(file, mode)
    const args = ['--port', '0', '--data-dir', world.dataDir, '--agent', 'scripted', '--token-file', file, ...more]
    const { code, stderr } = await runToEnd(world, args)
    expect(stderr).toMatch(/^claude-proxy: [^\n]+\n$/)
    expect(stderr).toMatch(names)
    expect(stderr).not.toContain(TOKEN)
    expect(code).toBe(1)
  })

  test('that is not there is refused, and never means that no token is asked for', async () => {
    const world = await newWorld()
    symlinkSync('/not/there', join(world.folder('secrets'), 'token'))
    for (const file of ['/not/there', world.folder('secrets'), join(world.folder('secrets'), 'token')]) {
      const { code, stderr } = await runToEnd(world, ['--port', '0', '--data-dir', world.dataDir, '--token-file', file])
      expect(stderr).toMatch(/^claude-proxy: The token cannot be read: [^\n]+\n$|^claude-proxy: Other users [^\n]+\n$/)
      expect(code).toBe(1)
    }
  })

  test('opens addresses beyond loopback as a token does', async () => {
    const world = await newWorld()
    const file = join(world.folder('secrets'), 'token')
    writeFileSync(file, TOKEN, { mode: 0o600 })
    const program = await startProgram(world, ['--agent', 'scripted', '--host', '0.0.0.0', '--token-file', file])
    const base = program.base.replace('0.0.0.0', '127.0.0.1')
    expect((await call(`${base}/v1/conversations/x/events`)).status).toBe(401)
    expect((await call(`${base}/v1/conversations/x/events`, { headers: bearer })).status).toBe(404)
  })
})

function withVariables(world: World, more: Record<string, string>): World {
  return { ...world, environment: { ...world.environment, ...more } }
}

interface Seen {
  readonly argv: string
  readonly environ: string
}

/** What /proc tells of the service and of all that it has begun. */
function processesOf(program: Program): { service: Seen; agents: Seen[] } {
  const look = (pid: number): Seen => {
    const read = (name: string) =>
      existsSync(`/proc/${pid}/${name}`) ? readFileSync(`/proc/${pid}/${name}`, 'latin1') : ''
    return { argv: read('cmdline'), environ: read('environ') }
  }
  return { service: look(program.pid), agents: descendants(program.pid).map(({ pid }) => look(pid)) }
}

function filesBelow(directory: string): string[] {
  mkdirSync(directory, { recursive: true })
  return globSync('**/*', { cwd: directory, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
