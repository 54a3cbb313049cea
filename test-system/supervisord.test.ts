import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Box, openBox } from './support/box.ts'
import { ENV_FILE, INSTALL } from './support/install.ts'
import { originalAt, USUAL_PLACE } from './support/original.ts'

const SUPERVISED = `SERVICE_MANAGER=supervisord ${INSTALL}`
const HEALTH = 'curl -fsS http://127.0.0.1:8787/healthz'
const EVENTS = 'curl -fsS http://127.0.0.1:8787/v1/conversations/phone-1/events?since=0'

let box: Box
beforeAll(async () => {
  box = await openBox(inject('share'), inject('layer'))
  await box.ok('cat > /root/original.sh && sh /root/original.sh', originalAt(USUAL_PLACE))
})
afterAll(() => box?.[Symbol.asyncDispose]())

const isOriginal = async () => expect(await box.ok(HEALTH)).toBe('{"ok":true}')
const processOf = (what: string) => box.ok(`supervisorctl pid claude-proxy | xargs ps ${what} -p`)

it('what cannot take the place of the original leaves it as it was, and running', async () => {
  await isOriginal()
  // A port that another has: the new service does not come up.
  await box.ok(`systemd-run --unit=squatter python3 -m http.server 9999 --bind 127.0.0.1`)
  const { code, stdout } = await box.sh(`CLAUDE_PROXY_PORT=9999 ${SUPERVISED} sh /mnt/source/install.sh`)
  expect(code).toBe(1)
  expect(stdout).toMatch(/step=healthz status=error msg=".*did not answer/)
  expect(stdout).toContain('msg="the Python original is back')
  await isOriginal()
  await box.ok(
    'systemctl stop squatter && test -f /opt/claude-proxy/app.py && test -d /opt/claude-proxy/data/conversations/phone-1',
  )
  await box.ok(`rm ${ENV_FILE}`)
})

it('takes the place of the original, with its conversations, its user and the trust in their folders', async () => {
  const said = await box.ok(`${SUPERVISED} sh /mnt/source/install.sh`)
  expect(said).toMatch(
    /step=python status=ok msg="the Python original was stopped and lies in \/opt\/claude-proxy\.python-/,
  )
  expect(said).toContain('imported  phone-1: 2 events')
  expect(said).toContain(`its folders are trusted, in ${ENV_FILE}: /srv/project`)
  expect(said).toMatch(/step=user status=ok msg="root, as before/)
  expect(JSON.parse(await box.ok(HEALTH))).toMatchObject({ version: `0.1.0-${inject('commit')}` })
  expect((await box.ok(EVENTS)).trim().split('\n')).toHaveLength(2)
  expect(await box.ok('claude-proxy config')).toMatch(/--?trusted-roots +\/srv\/project|trusted-roots +\/srv\/project/)
  expect((await processOf('-o user=')).trim()).toBe('root')
})

it('restarts as clients do it, and answers right away with what was written for it', async () => {
  await box.ok(`printf '%s\\n' 'ANTHROPIC_API_KEY=a # b' 'CODEAGENTS_PUSH_SECRET=x&y z' >> ${ENV_FILE}`)
  await box.ok(`supervisorctl restart claude-proxy && ${HEALTH}`)
  const environment = await box.ok(`tr '\\0' '\\n' < /proc/$(supervisorctl pid claude-proxy)/environ`)
  expect(environment).toContain('CODEAGENTS_PUSH_SECRET=x&y z\n')
})

it('a trusted folder that is gone does not keep it from starting', async () => {
  await box.ok(`rmdir /srv/project && supervisorctl restart claude-proxy && ${HEALTH}`)
  await box.ok('mkdir /srv/project')
})

it('given a user of its own, it keeps its data and drops what root can', async () => {
  await box.ok(`RUN_AS=claude-proxy ${SUPERVISED} sh /mnt/source/install.sh`)
  expect((await processOf('-o user=')).trim()).toBe('claude-proxy')
  expect((await box.ok(EVENTS)).trim().split('\n')).toHaveLength(2)
})

it('killed, it is there again, and its log is where it was', async () => {
  await box.ok('kill -9 $(supervisorctl pid claude-proxy) && claude-proxy service wait')
  expect(await box.ok('cat /var/log/claude-proxy/claude-proxy.log')).toContain('listening on')
})

it('uninstalled, the original is back with its data, and what was kept since lies beside', async () => {
  const said = await box.ok('claude-proxy service uninstall')
  expect(said).toMatch(/the Python original is back; what was kept since lies in \/opt\/claude-proxy\.data-/)
  await box.ok(`until ${HEALTH}; do sleep 0.2; done`)
  await isOriginal()
  await box.ok('ls /opt/claude-proxy/data/conversations/phone-1/events.ndjson /opt/claude-proxy.data-*/claude-proxy.db')
})
