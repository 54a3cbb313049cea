import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMarks } from '../../src/agents/claude/mark.ts'
import { streamAll } from '../support/client.ts'
import { newCertificate } from '../support/certificate.ts'
import { newWorld, runToEnd, startProgram, type World } from './program.ts'

interface Finding {
  readonly check: string
  readonly status: string
  readonly message: string
  readonly remedy?: string
}

/** What the doctor says, and how it ends. */
async function examine(world: World, ...args: string[]): Promise<{ code: number | null; findings: Finding[] }> {
  const { code, stdout, stderr } = await runToEnd(world, ['doctor', '--json', '--data-dir', world.dataDir, ...args])
  expect(stderr).toBe('')
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  for (const { status, remedy } of findings) expect(remedy === undefined).toBe(status === 'ok')
  return { code, findings }
}

const wrong = (findings: readonly Finding[]) => findings.filter(({ status }) => status !== 'ok')
const of = (findings: readonly Finding[], check: string) => findings.filter((each) => each.check === check)

/** Everything in the data directory, with its content. */
function contentOf({ dataDir }: World): Record<string, string> {
  const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).toSorted()
  const files = names.filter((name) => statSync(join(dataDir, name)).isFile() && !name.endsWith('-shm'))
  const digest = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(dataDir, name)))
      .digest('hex')
  return Object.fromEntries(files.map((name) => [name, digest(name)]))
}

/** A world in which a run has been. */
async function used(args: readonly string[] = []) {
  const world = await newWorld({ model: true })
  const program = await startProgram(world, ['--agent', 'scripted', ...args])
  await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' })
  return { world, program }
}

describe('the doctor', () => {
  it('finds nothing wrong where all is well, logs in with the real agent, and changes nothing', async () => {
    const { world, program } = await used()
    program.signal('SIGTERM')
    await program.exit
    const before = contentOf(world)
    const { code, findings } = await examine(world, '--online', '--thorough', '--port', '0')
    // Whether a clock is synchronized, and a disk fast, is not in our hands.
    expect(wrong(findings).filter(({ check }) => check !== 'clock' && check !== 'speed')).toEqual([])
    expect(code).toBe(wrong(findings).some(({ status }) => status === 'error') ? 1 : 0)
    expect(of(findings, 'agent')[0]?.message).toMatch(/^Claude Code \d+\.\d+\.\d+/)
    expect(of(findings, 'login')[0]?.message).toMatch(/^An agent logged in and got an answer, in \d/)
    expect(of(findings, 'database')[0]?.message).toMatch(/nothing wrong/)
    expect(of(findings, 'speed')[0]?.message).toMatch(/takes \d+\.\d ms/)
    expect(contentOf(world)).toEqual(before)
  })

  it('knows the service that runs, by its process id and at its port', async () => {
    const { world, program } = await used()
    const { port } = new URL(program.base)
    const { findings } = await examine(world, '--thorough', '--port', port)
    expect(of(findings, 'lock')[0]).toMatchObject({
      status: 'ok',
      message: expect.stringContaining(String(program.pid)),
    })
    expect(of(findings, 'port')[0]).toMatchObject({ status: 'ok', message: expect.stringContaining('claude-proxy') })
    expect(of(findings, 'database')[0]?.status).toBe('ok')
    const other = { ...world, dataDir: join(world.folder('other'), 'data') }
    const elsewhere = await examine(other, '--port', port)
    expect(of(elsewhere.findings, 'port')[0]).toMatchObject({ status: 'error' })
    expect(of(elsewhere.findings, 'port')[0]?.message).toContain('another data directory')
    // It goes on as if nobody had looked.
    const events = await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'again' })
    expect(events.at(-1)?.event.type).toBe('result')
  })

  it('changes nothing of what a crash has left, which the next start puts in order', async () => {
    const { world, program } = await used()
    await program.kill()
    const before = contentOf(world)
    expect(Object.keys(before)).toContain('claude-proxy.db-wal')
    const { findings } = await examine(world, '--thorough', '--port', '0')
    expect(of(findings, 'database')[0]?.status).toBe('ok')
    expect(of(findings, 'lock')[0]?.message).toMatch(/^No service/)
    expect(contentOf(world)).toEqual(before)
    const again = await startProgram(world, ['--agent', 'scripted'])
    expect((await fetch(`${again.base}/v1/conversations/c/events?since=0`)).status).toBe(200)
  })

  it('makes no data directory', async () => {
    const world = await newWorld()
    const { findings } = await examine(world, '--port', '0')
    expect(of(findings, 'data')[0]?.message).toContain('not there yet')
    expect(() => statSync(world.dataDir)).toThrow('ENOENT')
  })

  it('tells what keeps the service from working, each with a remedy, and ends with 1', async () => {
    const world = await newWorld()
    const { ANTHROPIC_API_KEY: _, ...rest } = world.environment
    mkdirSync(world.dataDir)
    chmodSync(world.dataDir, 0o755)
    const tokenFile = join(world.folder('secrets'), 'token')
    writeFileSync(tokenFile, 'token-1234\n', { mode: 0o644 })
    const variables = join(world.folder('secrets'), 'env')
    writeFileSync(variables, 'CLAUDE_CODE_SOMETHING=secret-value-1\n', { mode: 0o644 })
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const args = ['--token-file', tokenFile, '--environment', variables, '--port', String(port)]
    const sick = { ...world, environment: rest }
    const { code, findings } = await examine(
      sick,
      ...args,
      '--allowed-roots',
      '/nowhere',
      '--min-free-megabytes',
      '999999999',
    )
    expect(code).toBe(1)
    const found = (check: string) => wrong(of(findings, check))
    expect(found('login')[0]).toMatchObject({ status: 'error', message: expect.stringContaining('no credentials') })
    expect(found('data')[0]).toMatchObject({ status: 'error', remedy: `chmod 700 ${world.dataDir}` })
    expect(found('disk')[0]).toMatchObject({ status: 'error', message: expect.stringMatching(/^Only \d+ MB/) })
    expect(found('port')[0]?.message).toMatch(`Process ${process.pid} (`)
    expect(found('token')[0]).toMatchObject({ status: 'error', message: expect.stringContaining('chmod 600') })
    expect(found('environment')[0]).toMatchObject({ status: 'warning', remedy: `chmod 600 ${variables}` })
    expect(found('roots')[0]).toMatchObject({ status: 'error', message: 'The folder /nowhere is not there.' })
    expect(found('variables')[0]?.message).toContain('CLAUDE_CODE_SOMETHING')
    expect(JSON.stringify(findings)).not.toContain('secret-value-1')
  })

  it('says what to do about a token that is missing, a certificate that ends and a socket that cannot be', async () => {
    const world = await newWorld()
    const directory = world.folder('s')
    chmodSync(directory, 0o777)
    const { cert, key } = newCertificate(directory)
    const args = ['--port', '0', '--require-token', 'true', '--tls-cert', cert, '--tls-key', key]
    const socket = join(directory, 'proxy.sock')
    const found = async (check: string, ...more: string[]) =>
      wrong(of((await examine(world, ...args, ...more)).findings, check))[0]
    expect(await found('token')).toMatchObject({
      status: 'error',
      remedy: expect.stringContaining('token create NAME'),
    })
    expect(await found('tls')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/ends in 1 days, on 20/),
    })
    expect(await found('socket', '--socket', socket)).toMatchObject({ message: expect.stringContaining('chmod go-w') })
    chmodSync(key, 0o644)
    expect(await found('tls')).toMatchObject({ status: 'error', message: expect.stringContaining('chmod o= ') })
    const open = ['--host', '0.0.0.0', '--require-token', 'false']
    expect(await found('token', ...open)).toMatchObject({
      message: expect.stringContaining('opens this service to others'),
    })
    await runToEnd(world, ['token', 'create', 'phone', '--data-dir', world.dataDir])
    expect(await found('token')).toBeUndefined()
  })

  it('knows the service that has a certificate of its own and a socket, and that asks for a token', async () => {
    const world = await newWorld()
    const directory = world.folder('s')
    chmodSync(directory, 0o700)
    const { cert, key } = newCertificate(directory)
    const socket = join(directory, 'proxy.sock')
    const doors = ['--tls-cert', cert, '--tls-key', key, '--socket', socket, '--token', 'secret-value-1']
    const program = await startProgram(world, ['--agent', 'scripted', ...doors])
    const { findings } = await examine(world, ...doors, '--port', new URL(program.base).port)
    expect(of(findings, 'port')[0]).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('answers on 127.0.0.1'),
    })
    expect(of(findings, 'socket')[0]).toMatchObject({
      status: 'ok',
      message: expect.stringContaining(`answers on ${socket}`),
    })
    expect(of(findings, 'token')[0]).toMatchObject({ status: 'ok' })
  })

  it('finds what a crash has left running, and a database that is damaged', async () => {
    const { world, program } = await used()
    program.signal('SIGTERM')
    await program.exit
    const database = openSync(join(world.dataDir, 'claude-proxy.db'), 'r+')
    writeSync(database, Buffer.alloc(4096, 0xa5), 0, 4096, 8192)
    const { environment } = createMarks(world.dataDir).next()
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], {
      env: { ...world.environment, ...environment },
    })
    onTestFinished(() => void orphan.kill('SIGKILL'))
    await once(orphan, 'spawn')
    const { code, findings } = await examine(world, '--thorough', '--port', '0')
    expect(code).toBe(1)
    expect(of(findings, 'orphans')[0]).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(String(orphan.pid)),
    })
    expect(of(findings, 'database')[0]?.status).toBe('error')
    expect(orphan.exitCode).toBeNull()
  })

  it('says so when the Messages API is not reached, and of variables which host that is', async () => {
    const world = await newWorld()
    world.environment['ANTHROPIC_BASE_URL'] = 'http://somebody:secret-word@127.0.0.1:1/x'
    const { code, findings } = await examine(world, '--online', '--port', '0')
    expect(code).toBe(1)
    expect(of(findings, 'login')[0]).toMatchObject({ status: 'error' })
    expect(of(findings, 'variables')[0]?.message).toContain('127.0.0.1:1')
    expect(JSON.stringify(findings)).not.toContain('secret-word')
  })

  it('is a list to read without --json, a line for each finding and one for its remedy', async () => {
    const world = await newWorld()
    const { stdout } = await runToEnd(world, ['doctor', '--data-dir', world.dataDir, '--port', '0'])
    expect(stdout).toMatch(/^ok +node +Node \d/)
    expect(stdout).toMatch(/\n\d+ errors, \d+ warnings\n$/)
  })
})
