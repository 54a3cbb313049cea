import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { runToEnd, start } from './command.ts'
import { standIn } from './ssh.ts'

/** `claude-proxy run` and its neighbours, as scripts use them: with pipes, and what they end with. */

const PATIENCE = { timeout: 30_000, interval: 20 }
/** Nothing that a terminal could take for an order, but the ends of lines. */
const HARMLESS = /^[^\p{Cc}\p{Cf}]*$/u

test('a run in a pipe is plain text, in lines as long as they are', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder(), environment: { FORCE_COLOR: '0' } }
  const { code, stdout } = await runToEnd(['run', 'Say something. '.repeat(20)], at)
  expect(code).toBe(0)
  expect(stdout).toContain(`You said: ${'Say something. '.repeat(20)}`)
  expect(stdout).toMatch(/^❯ Say something\..*\n[^]*\n■ done · .*\$0\.0000\n$/)
  expect(stdout.replaceAll('\n', '')).toMatch(HARMLESS)
})

test('the end says what this run took and cost, and what is continued tells nothing of before', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  const first = await runToEnd(['run', '@use input=1 output=1 usd=1.5'], at)
  expect(first.stdout).toMatch(/■ done · \d+\.\d s · 1 turn · \$1\.50\n$/)
  const prompt = '@load n=3 rate=2\n@use input=1 output=1 usd=0.25'
  const { stdout } = await runToEnd(['run', '--continue', prompt], at)
  expect(stdout.match(/■/g)).toHaveLength(1)
  const [, seconds] = /■ done · (\d+\.\d) s · 1 turn · \$0\.2500\n$/.exec(stdout) ?? []
  expect(Number(seconds)).toBeGreaterThanOrEqual(1)
})

test('words and what is piped in are one prompt; --quiet gives the result alone', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder(), input: 'from the pipe' }
  expect(await runToEnd(['run', '--quiet', 'words'], at)).toMatchObject({ code: 0, stdout: 'The script has ended.\n' })
  const { stdout } = await runToEnd(['tail'], { service, cwd: at.cwd })
  expect(stdout).toContain('You said: words\n\nfrom the pipe\n')
})

test('--json gives every event of the run once, with its number', async () => {
  await using service = await startTestService()
  const { code, stdout } = await runToEnd(['run', '--json', '@load n=50 rate=0'], { service, cwd: service.folder() })
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  expect(code).toBe(0)
  expect(lines.map(({ number }) => number)).toEqual(lines.map((_, n) => n + 1))
  expect(lines.at(0)?.event.type).toBe('user')
  expect(lines.at(-1)?.event.type).toBe('result')
})

test.each([
  ['a run that fails', ['run', '@fail'], 1],
  ['an option that there is not', ['run', '--nope'], 2],
  ['a choice that there is not', ['run', '--effort', 'heroic', 'x'], 2],
  ['nothing to do', ['run'], 2],
  ['words without quotes', ['run', 'fix', 'it'], 2],
  ['an address that is none', ['ls', '--url', 'nowhere'], 2],
  ['a machine that looks like an option', ['ls', '--host=-oProxyCommand=true'], 2],
  ['nobody there', ['ls', '--url', 'http://127.0.0.1:1'], 3],
  ['a conversation that there is not', ['tail', 'unknown'], 1],
  ['nothing found', ['search', 'nothingofthekind'], 1],
])('%s: %j ends with %i and says so in a sentence or an event', async (_, args, code) => {
  await using service = await startTestService()
  const ended = await runToEnd(args, { service, cwd: service.folder() })
  expect(ended.code, ended.stderr).toBe(code)
  expect(ended.stderr).not.toMatch(/ at .*\.ts:\d+/)
})

test('--continue goes on with the latest conversation of the folder; without it another begins', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  for (const args of [['one'], ['--continue', 'two'], ['--title', 'Another', 'three']])
    expect(await runToEnd(['run', ...args], at)).toMatchObject({ code: 0 })
  const { stdout } = await runToEnd(['ls', '--json'], at)
  const listed = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { title: string; head: number })
  expect(listed.map(({ title }) => title)).toEqual(['Another', 'one'])
  expect(listed[1]?.head).toBeGreaterThan(listed[0]?.head ?? 0)
})

test('ls marks whose last run failed, until one ends well', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder(), environment: { FORCE_COLOR: '1' } }
  expect(await runToEnd(['run', '@fail'], at)).toMatchObject({ code: 1 })
  const { stdout } = await runToEnd(['ls'], at)
  expect(stdout).toMatch(/✗ \S+ +0m {2}failed · @fail {2}/)
  expect(stdout.startsWith('\u001b[31m✗')).toBe(true)
  expect(await runToEnd(['run', '--continue', 'Again.'], at)).toMatchObject({ code: 0 })
  expect((await runToEnd(['ls'], at)).stdout).toMatch(/^ {2}\S+ +0m {2}@fail {2}/)
})

test('a file comes with the prompt', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  writeFileSync(join(cwd, 'note.txt'), 'twelve bytes')
  const { stdout } = await runToEnd(['run', '--file', 'note.txt', 'Look.'], { service, cwd })
  expect(stdout).toContain('note.txt (text/plain, 12 bytes)')
})

test('control characters of an agent reach no terminal, neither as text nor in a title', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  const hostile = 'a\u001b]0;owned\u0007b\u009b2Jc\u202ed\re\u0000f\u001b[31mg'
  const json = { 'content-type': 'application/json' }
  const made = await call(`${service.base}/v1/conversations`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ cwd: at.cwd }),
  })
  const id = (JSON.parse(made.text) as { conversation_id: string }).conversation_id
  const ran = await runToEnd(['run', '-c', id, '-'], { ...at, input: hostile })
  expect(ran).toMatchObject({ code: 0 })
  for (const args of [['tail'], ['show'], ['ls'], ['search', 'owned']]) ran.stdout += (await runToEnd(args, at)).stdout
  expect(ran.stdout).toContain('␛]0;owned␇b')
  expect(ran.stdout.replaceAll('\n', '')).toMatch(HARMLESS)
})

test('what is shown goes on through a restart of the service, without a repeat', async () => {
  await using service = await startTestService({ config: { port: await freePort() } })
  const at = { service, cwd: service.folder() }
  expect(await runToEnd(['run', '--quiet', 'First.'], at)).toMatchObject({ code: 0 })
  const tail = start(['tail', '-f', '--json'], at)
  await expect.poll(() => tail.stdout, PATIENCE).toContain('"type":"result"')
  await service.restart()
  expect(await runToEnd(['run', '--quiet', '--continue', 'Second.'], at)).toMatchObject({ code: 0 })
  await expect.poll(() => tail.stdout, PATIENCE).toMatch(/"type":"result"[^]*"type":"result"[^]*\n$/)
  tail.child.kill('SIGINT')
  expect(await tail.exit).toBe(0)
  const numbers = tail.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Line).number)
  expect(numbers).toEqual(numbers.map((_, n) => n + 1))
})

test('Ctrl-C stops the run, and the program ends as one that was interrupted', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  const running = start(['run', '@hang'], at)
  await expect.poll(() => running.stdout, PATIENCE).toContain('@hang')
  running.child.kill('SIGINT')
  expect(await running.exit).toBe(130)
  expect((await runToEnd(['stop'], at)).stdout).toBe('Nothing was running.\n')
})

test('Ctrl-C twice leaves the run alone and says how to come back; stop and attach work on it', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  const running = start(['run', '@hang'], at)
  await expect.poll(() => running.stdout, PATIENCE).toContain('@hang')
  running.child.kill('SIGINT')
  await expect.poll(() => running.stdout, PATIENCE).toContain('Ctrl-C again')
  running.child.kill('SIGINT')
  expect(await running.exit).toBe(4)
  expect(running.stdout).toMatch(/claude-proxy attach [0-9a-f]{32}\n$/)
  const attached = start(['attach'], at)
  await expect.poll(() => attached.stdout, PATIENCE).toContain('❯ @hang')
  expect((await runToEnd(['stop'], at)).stdout).toMatch(/^Stopped run /)
  expect(await attached.exit).toBe(1)
  expect(attached.stdout).toContain('failed: interrupted')
})

test('a question is answered from another terminal', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  const running = start(['run', '@ask tool=Bash'], at)
  await expect.poll(() => running.stderr, PATIENCE).toMatch(/claude-proxy approve [0-9a-f]{32}/)
  const id = /approve (\w{32})/.exec(running.stderr)?.[1] ?? ''
  expect((await runToEnd(['approve'], at)).stdout).toContain(id)
  expect(await runToEnd(['approve', '--deny', '--message', 'Not now.', id], at)).toMatchObject({ code: 0 })
  expect(await running.exit).toBe(0)
  expect(running.stdout).toMatch(/✗ .*Bash true\n {2}Not now\./)
  expect(await runToEnd(['approve', id], at)).toMatchObject({ code: 1 })
})

test('--host goes through a tunnel of its own, which ends with the command', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const ssh = standIn(service)
  const at = { service, cwd, environment: ssh.environment }
  const ran = await runToEnd(['run', '--host', 'me@server', '--cwd', cwd, 'Hello over there.'], at)
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  expect(ran.stdout).toContain('You said: Hello over there.')
  const { args, pid, target } = ssh.seen()
  expect(args).toEqual(expect.arrayContaining(['-N', 'ExitOnForwardFailure=yes', 'me@server']))
  expect(target).toBe('127.0.0.1:8787')
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  writeFileSync(join(cwd, '..', 'bin', 'ssh'), '#!/bin/sh\necho Permission denied >&2\nexit 255\n')
  const refused = await runToEnd(['ls', '--host', 'me@server'], at)
  expect(refused).toMatchObject({ code: 3 })
  expect(refused.stderr).toContain('Permission denied')
})

test('who comes to a run later is asked what still waits, and not what was answered', async () => {
  await using service = await startTestService()
  const at = { service, cwd: service.folder() }
  const running = start(['run', '@ask tool=Bash\n@ask tool=Other'], at)
  const answer = async (count: number) => {
    const found = () => [...running.stderr.matchAll(/approve (\w{32})/g)].map(([, id = '']) => id)
    await expect.poll(() => found().length, PATIENCE).toBe(count)
    return found()[count - 1] ?? ''
  }
  expect(await runToEnd(['approve', await answer(1)], at)).toMatchObject({ code: 0 })
  const second = await answer(2)
  const attached = start(['attach'], at)
  await expect.poll(() => attached.stdout, PATIENCE).toContain('? Other')
  expect(attached.stderr).toBe(`Other waits for you: claude-proxy approve ${second}\n`)
  expect(await runToEnd(['approve', second], at)).toMatchObject({ code: 0 })
  expect(await Promise.all([running.exit, attached.exit])).toEqual([0, 0])
})

test('a command says what it takes, with examples', async () => {
  await using service = await startTestService()
  const { stdout } = await runToEnd(['run', '--help'], { service, cwd: service.folder() })
  expect(stdout).toContain('claude-proxy run "Why does the build fail?"')
  expect(stdout).toContain('--permission-mode MODE')
})

interface Line {
  readonly number: number
  readonly event: { readonly type: string }
}

/** One that the service has again after its restart. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
