import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newCertificate } from '../support/certificate.ts'
import { startTestService } from '../support/service.ts'
import { environmentAt, runToEnd, start } from './command.ts'
import { standIn } from './ssh.ts'
import { hasTmux, openTerminal } from './tmux.ts'

/** The ways to a service that is not at the usual port: a socket, TLS, and ssh. */

const PATIENCE = { timeout: 30_000, interval: 50 }

/** A directory with a short path, as sockets want it, that is its owner's alone. */
function place(): string {
  const path = mkdtempSync('/tmp/cp-')
  chmodSync(path, 0o700)
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a socket does all that a port does: it is asked, follows a run to its end, takes files and exports', async () => {
  const socket = join(place(), 's')
  await using service = await startTestService({ config: { socket, host: 'none' } })
  const at = { service, cwd: service.folder(), environment: { CLAUDE_PROXY_URL: '' } }
  const way = ['--socket', socket]
  const ran = await runToEnd(['run', ...way, '--file', '/etc/hostname', '@load n=200 rate=0 size=2000'], at)
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  expect(ran.stdout).toContain('hostname (text/plain')
  const listed = await runToEnd(['ls', '--quiet'], {
    ...at,
    environment: { CLAUDE_PROXY_URL: '', CLAUDE_PROXY_SOCKET: socket },
  })
  expect(listed, listed.stderr).toMatchObject({ code: 0 })
  const [id = ''] = listed.stdout.split('\t')
  const exported = await runToEnd(['export', ...way, id], at)
  expect(exported.stdout.trimEnd().split('\n').length).toBeGreaterThan(200)
  expect(await runToEnd(['show', ...way, 'unknown'], at)).toMatchObject({ code: 1, stderr: /There is no/ })
})

test.each([
  [['--socket', '/nowhere/s'], 3, /Nobody answers at unix:\/nowhere\/s \(ENOENT\)/],
  [['--socket', '/s', '--url', 'http://127.0.0.1:1'], 2, /not both/],
])('a way that leads nowhere is named: %j', async (way, code, sentence) => {
  await using service = await startTestService()
  const ended = await runToEnd(['ls', ...way], { service, cwd: service.folder() })
  expect(ended).toEqual({ code, stdout: '', stderr: expect.stringMatching(sentence) })
})

test('a certificate that nobody vouches for is refused in a sentence, and taken when a file does', async () => {
  await using other = await startTestService()
  const { cert: tlsCert, key: tlsKey } = newCertificate(other.folder('tls'))
  await using service = await startTestService({ config: { tlsCert, tlsKey } })
  const at = { service, cwd: service.folder() }
  const refused = await runToEnd(['ls'], at)
  expect(refused).toMatchObject({ code: 3 })
  expect(refused.stderr).toMatch(/certificate at https:.* cannot be trusted \(\w+\).*NODE_EXTRA_CA_CERTS/)
  const environment = { NODE_EXTRA_CA_CERTS: tlsCert }
  expect(await runToEnd(['run', 'x'], { ...at, environment })).toMatchObject({ code: 0, stderr: '' })
})

test('--host leads to another port or a socket over there, if it is said', async () => {
  await using service = await startTestService()
  const ssh = standIn(service)
  const at = { service, cwd: service.folder(), environment: ssh.environment }
  expect(await runToEnd(['ls', '--host', 'server', '--url', 'http://127.0.0.1:9000'], at)).toMatchObject({ code: 0 })
  expect(ssh.seen().target).toBe('127.0.0.1:9000')
  expect(await runToEnd(['ls', '--host', 'server', '--socket', '/run/proxy.sock'], at)).toMatchObject({ code: 0 })
  expect(ssh.seen().target).toBe('/run/proxy.sock')
  expect(await runToEnd(['ls', '--host', 'server', '--url', 'https://far'], at)).toMatchObject({ code: 2 })
})

test('a tunnel that breaks is opened again without asking anybody, and nothing of what is followed is lost', async () => {
  await using service = await startTestService()
  const ssh = standIn(service)
  const cwd = service.folder()
  const at = { service, cwd, environment: ssh.environment }
  expect(await runToEnd(['run', 'First.'], { service, cwd })).toMatchObject({ code: 0 })
  const tail = start(['tail', '-f', '--json', '--host', 'server', '--cwd', cwd], at)
  await expect.poll(() => tail.stdout, PATIENCE).toContain('"type":"result"')
  const first = ssh.seen()
  process.kill(first.pid, 'SIGKILL')
  expect(await runToEnd(['run', '--continue', 'Second.'], { service, cwd })).toMatchObject({ code: 0 })
  await expect.poll(() => tail.stdout, PATIENCE).toMatch(/"type":"result"[^]*"type":"result"[^]*\n$/)
  const second = ssh.seen()
  expect([first.args.includes('BatchMode=no'), second.args.includes('BatchMode=yes')]).toEqual([true, true])
  tail.child.kill('SIGINT')
  expect(await tail.exit).toBe(0)
  expect(() => process.kill(second.pid, 0)).toThrow('ESRCH')
  const numbers = tail.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { number: number }).number)
  expect(numbers).toEqual(numbers.map((_, n) => n + 1))
})

test.skipIf(!hasTmux)(
  'ssh asks for a password at the terminal, and Ctrl-C is for the run, not for the tunnel',
  async () => {
    await using service = await startTestService()
    const cwd = service.folder()
    const ssh = standIn(service, { password: 'secret' })
    const terminal = openTerminal(cwd, { ...environmentAt(service), ...ssh.environment })
    const sees = (what: RegExp) => expect.poll(() => terminal.screen(), PATIENCE).toMatch(what)
    terminal.program(`run --host me@server --cwd ${cwd} "@hang"`)
    await sees(/me@server's password:$/m)
    terminal.type('secret')
    terminal.press('Enter')
    await sees(/❯ @hang/)
    expect(terminal.screen()).not.toContain('secret')
    terminal.press('C-c')
    await sees(/failed: interrupted[^]*ended with 130/)
    expect(ssh.seen().ignored).toContain('SIGINT')
    expect(() => process.kill(ssh.seen().pid, 0)).toThrow('ESRCH')
    terminal.program(`ls --host me@server`)
    await sees(/password:[^]*password:$/m)
    terminal.press('C-c')
    await sees(/ended with 130[^]*ended with 130/)
    expect(
      readFileSync(ssh.log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    ).toHaveLength(1)
  },
)
