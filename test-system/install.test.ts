import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Box, openBox } from './support/box.ts'
import { ENV_FILE, INSTALL, stepsOf } from './support/install.ts'

let box: Box
beforeAll(async () => {
  box = await openBox(inject('share'), inject('layer'))
})
afterAll(() => box?.[Symbol.asyncDispose]())

const release = `0.1.0-${inject('commit')}`
const pid = async () => (await box.ok('systemctl show -P MainPID claude-agent-proxy')).trim()

it('piped into bash on a new machine, it says each step in the line that clients know', () => {
  expect(stepsOf(inject('said'))).toEqual([
    'os_detect ok',
    'packages ok',
    'repo ok',
    'node ok',
    'healthz ok',
    'complete ok',
  ])
})

it('under dash, from a checkout, the service answers as soon as it is done', async () => {
  await box.ok(`${INSTALL} dash /mnt/source/install.sh`)
  const health = await box.ok('curl -fsS http://127.0.0.1:8787/healthz')
  expect(JSON.parse(health)).toMatchObject({ status: 'ok', version: release })
})

it('runs as a user of its own that can change neither its code nor its settings', async () => {
  expect((await box.ok(`ps -o user= -p ${await pid()}`)).trim()).toBe('claude-proxy')
  expect(await box.ok(`stat -c '%a %U' ${ENV_FILE} /opt/claude-proxy/data`)).toBe('600 root\n700 claude-proxy\n')
  const writable = 'find /opt/claude-proxy -path /opt/claude-proxy/data -prune -o -not -type l -writable -print'
  expect(await box.ok(`setpriv --reuid claude-proxy --regid claude-proxy --init-groups ${writable}`)).toBe('')
})

it('as that user the real Claude Code starts', async () => {
  const claude = '/opt/claude-proxy/current/node_modules/@anthropic-ai/claude-agent-sdk-linux-*/claude'
  expect(await box.ok(`setpriv --reuid claude-proxy --regid claude-proxy --init-groups ${claude} --version`)).toMatch(
    /Claude Code/,
  )
})

it('a second time it says so, and interrupts nothing', async () => {
  const before = await pid()
  const said = await box.ok(`${INSTALL} sh /mnt/source/install.sh`)
  expect(said).toContain(`step=healthz status=ok msg="${release} answers, and goes on"`)
  expect(await pid()).toBe(before)
})

it('lines of others in the settings stay, and what they say reaches the service with its restart', async () => {
  const lines = '# Managed by CodeAgentsMobile\nANTHROPIC_API_KEY=sk-a b&c\nFOREIGN=1\nCLAUDE_PROXY_AGENT=scripted\n'
  await box.ok(`cat > ${ENV_FILE}`, lines)
  await box.ok('systemctl restart claude-agent-proxy && curl -fsS http://127.0.0.1:8787/healthz')
  expect(await box.ok(`tr '\\0' '\\n' < /proc/${await pid()}/environ`)).toContain('ANTHROPIC_API_KEY=sk-a b&c\n')
  const said = await box.ok(`CLAUDE_PROXY_LOG_LEVEL=debug ${INSTALL} sh /mnt/source/install.sh`)
  expect(stepsOf(said).at(-1)).toBe('complete ok')
  expect(await box.ok(`cat ${ENV_FILE}`)).toBe(`${lines}CLAUDE_PROXY_LOG_LEVEL=debug\n`)
  expect(await box.ok('claude-proxy config')).toMatch(/^log-level +debug/m)
  expect(await box.ok('cat /usr/local/share/man/man1/claude-proxy.1')).toContain('.TH CLAUDE-PROXY 1')
})

it('killed in the middle of a run, it comes back, and the run has its end', async () => {
  const body = JSON.stringify({ conversation_id: 'crash', cwd: '/tmp', text: '@say One.\n@hang' })
  const stream = `curl -sN -m 3 http://127.0.0.1:8787/v1/agent/stream -H 'Content-Type: application/json' -d '${body}'`
  const started = await box.ok(`${stream}; kill -9 ${await pid()}`)
  expect(started).toContain('One.')
  await box.ok('claude-proxy service wait')
  const events = await box.ok(
    'until curl -s http://127.0.0.1:8787/v1/conversations/crash/events?since=0 | grep result; do sleep 0.2; done',
  )
  expect(events).toContain('"is_error":true')
})

it('closes itself in as far as agents allow, and says where they cannot write', async () => {
  const status = await box.ok(`cat /proc/${await pid()}/status`)
  expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  expect(status).toMatch(/^CapBnd:\t0+$/m)
  const write = (path: string) => box.sh(`touch /proc/$(systemctl show -P MainPID claude-agent-proxy)/root${path}/x`)
  for (const path of ['/usr', '/etc', '/boot']) expect((await write(path)).stderr).toContain('Read-only file system')
  for (const path of ['/home', '/srv', '/tmp']) expect(await write(path)).toMatchObject({ code: 0 })
})

it('an operator of little patience gets status and logs from the command itself', async () => {
  expect(await box.ok('claude-proxy service status')).toContain('active (running)')
  await box.ok('claude-proxy service restart')
  // Follows until it is ended.
  await box.ok(
    'claude-proxy service logs > /tmp/logs 2>&1 & until grep "listening on" /tmp/logs; do sleep 0.1; done; kill $!',
  )
})

it('told to read its certificate and log again, it goes on', async () => {
  const before = await pid()
  await box.ok('claude-proxy service reload && journalctl --sync')
  await box.ok('until journalctl -u claude-agent-proxy | grep "read again what may change"; do sleep 0.1; done')
  expect(await pid()).toBe(before)
})

it('what cannot be is refused in one line, and changes nothing', async () => {
  const before = await pid()
  const bad = [
    ['RUN_AS=nobody-here', /step=user status=error msg="There is no user nobody-here."/],
    ["DATA_DIR='/srv/two words'", /step=preflight status=error msg="\/srv\/two words cannot be used/],
    ['SERVICE_MANAGER=cron', /step=preflight status=error msg="SERVICE_MANAGER is one of/],
    ['REPO_URL=/mnt/nowhere', /step=repo status=error/],
  ] as const
  for (const [variables, line] of bad) {
    const { code, stdout } = await box.sh(
      `export ${INSTALL}; ${variables.replace(/^/, 'export ')}; sh /mnt/source/install.sh`,
    )
    expect([code, stdout]).toEqual([1, expect.stringMatching(line)])
  }
  expect(await pid()).toBe(before)
})

it('uninstalled, it leaves data and settings', async () => {
  await box.ok('claude-proxy service uninstall')
  expect((await box.sh('curl -fsS http://127.0.0.1:8787/healthz')).code).toBe(7)
  expect((await box.sh('systemctl cat claude-agent-proxy')).code).not.toBe(0)
  await box.ok(
    `test -s /opt/claude-proxy/data/claude-proxy.db && test -s ${ENV_FILE} && ! test -e /usr/local/bin/claude-proxy`,
  )
})
