import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { stepsOf } from './support/install.ts'
import { originalAt } from './support/original.ts'
import { freePort, openPrefix, type Prefix, SOMEBODY } from './support/prefix.ts'
import { publish } from './support/source.ts'

/** What can be shown without a machine of its own: that all of it stays where it was told to, and works from there. */

const share = inject('share')
const first = `0.1.0-${inject('commit')}`
const install = `RUN_AS=${SOMEBODY} sh ${share}/source/install.sh`

let prefix: Prefix
beforeAll(async () => {
  prefix = await openPrefix(share)
})
afterAll(() => prefix?.[Symbol.asyncDispose]())

const call = (path: string) => `curl -fsS http://127.0.0.1:${prefix.port}${path}`
const version = async () => (JSON.parse(await prefix.ok(call('/healthz'))) as { version: string }).version
const pid = async () => (await prefix.ok('supervisorctl -c $SUPERVISORD_CONF pid claude-proxy')).trim()
const eventsOf = (id: string) => prefix.ok(call(`/v1/conversations/${id}/events?since=0`))
const stream = (id: string, words: string) => {
  const body = JSON.stringify({ conversation_id: id, cwd: prefix.root, text: words })
  return `curl -sN -m 3 http://127.0.0.1:${prefix.port}/v1/agent/stream -H 'Content-Type: application/json' -d '${body}'; true`
}

it('piped into a shell, it takes the place of the Python original, and says each step', async () => {
  const { root, programs, port } = prefix
  const start = 'supervisord -c $SUPERVISORD_CONF'
  await prefix.ok(originalAt({ installDir: `${root}/opt`, programs, folder: `${root}/project`, port, start }))
  const said = await prefix.ok(`cat ${share}/source/install.sh | RUN_AS=${SOMEBODY} bash`)
  const steps = ['os_detect', 'packages', 'repo', 'node', 'python', 'python', 'healthz', 'complete']
  expect(stepsOf(said)).toEqual(steps.map((step) => `${step} ok`))
  expect(said).toContain('imported  phone-1: 2 events')
  expect(said).toContain(`its folders are trusted, in ${prefix.envFile}: ${root}/project`)
  expect(await version()).toBe(first)
  expect((await eventsOf('phone-1')).trim().split('\n')).toHaveLength(2)
})

it('runs as the user that was named, with settings that root alone can read', async () => {
  expect((await prefix.ok(`ps -o user= -p ${await pid()}`)).trim()).toBe(SOMEBODY)
  expect(await prefix.ok('stat -c "%a %U" $ENV_FILE $INSTALL_DIR/data')).toBe(`600 root\n700 ${SOMEBODY}\n`)
})

it('a second time it says so, and interrupts nothing', async () => {
  const before = await pid()
  expect(await prefix.ok(install)).toContain(`step=healthz status=ok msg="${first} answers, and goes on"`)
  expect(await pid()).toBe(before)
})

it('the command knows by itself where everything is', async () => {
  expect(await prefix.ok('env -i PATH=$PATH claude-proxy config')).toContain(`${prefix.root}/project `)
  expect(await prefix.ok('env -i PATH=$PATH claude-proxy service status')).toContain('RUNNING')
})

it('told to read its certificate and log again, it goes on', async () => {
  const before = await pid()
  await prefix.ok('claude-proxy service reload')
  await prefix.ok('until grep "read again what may change" log/claude-proxy.log; do sleep 0.1; done')
  expect(await pid()).toBe(before)
})

it('an upgrade waits for the run that is active, and a rollback goes back', async () => {
  await prefix.ok('echo CLAUDE_PROXY_AGENT=scripted >> $ENV_FILE && claude-proxy service restart')
  const release = publish(share, '0.1.1')
  await prefix.ok(stream('busy', '@say Here.\n@hang'))
  const { code, stdout } = await prefix.sh(`claude-proxy upgrade ${release} --upgrade-wait-seconds 1`)
  expect([code, stdout]).toEqual([1, expect.stringMatching(/Runs were active for 1 seconds, and nothing was changed/)])
  const log = 'upgrade.log'
  const upgrade = prefix.ok(`claude-proxy upgrade ${release} | tee ${log}`)
  await prefix.ok(`until grep -s "lies ready" ${log}; do sleep 0.1; done`)
  const second = await prefix.sh(`claude-proxy upgrade ${release}`)
  expect([second.code, second.stdout]).toEqual([1, expect.stringContaining('installs or upgrades here just now')])
  await prefix.ok(`curl -fsS -X POST http://127.0.0.1:${prefix.port}/v1/conversations/busy/interrupt`)
  expect(await upgrade).toContain('step=complete status=ok msg="0.1.1 runs')
  expect([await version(), await eventsOf('busy')]).toEqual(['0.1.1', expect.stringContaining('Here.')])
  expect(await prefix.ok('claude-proxy rollback')).toContain(`msg="${first} runs"`)
  expect(await version()).toBe(first)
})

it('nginx passes on an event when it happens', async () => {
  const { root, port } = prefix
  const front = await freePort()
  const server = readFileSync(join(import.meta.dirname, '../deploy/nginx.conf'), 'utf8')
    .replace('listen 443 ssl http2', `listen 127.0.0.1:${front} ssl http2`)
    .replaceAll('/etc/nginx/tls', `${root}/tls`)
    .replace('127.0.0.1:8787', `127.0.0.1:${port}`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path ${root}/tmp;`)
  const conf = `pid ${root}/nginx.pid; events {} http { access_log off; ${temporary.join(' ')} ${server} }`
  await prefix.ok(`mkdir ${root}/tls && cd ${root}/tls && openssl req -x509 -newkey rsa:2048 -nodes -days 2 \
    -subj /CN=localhost -keyout privkey.pem -out fullchain.pem`)
  await prefix.ok(`cat > ${root}/nginx.conf && nginx -e ${root}/log/nginx.log -c ${root}/nginx.conf`, conf)
  try {
    const body = JSON.stringify({ conversation_id: 'front', cwd: root, text: '@say One.\n@hang' })
    const seen = await prefix.ok(
      `curl -skN https://127.0.0.1:${front}/v1/agent/stream -H 'Host: localhost' -d '${body}' \
        -H 'Content-Type: application/json' | sed '/One\\./q'`,
    )
    expect(seen).toContain('One.')
  } finally {
    await prefix.ok(`kill $(cat ${root}/nginx.pid)`)
  }
})

it('systemd finds nothing wrong with the units, filled in for this place', async () => {
  const { root } = prefix
  const words = { INSTALL_DIR: `${root}/opt`, DATA_DIR: `${root}/opt/data`, LOG_DIR: `${root}/log`, USER: 'daemon' }
  const fill = Object.entries({ ...words, ENV_FILE: prefix.envFile, BIN_DIR: `${root}/bin` })
    .map(([word, value]) => `-e 's#__${word}__#${value}#g'`)
    .join(' ')
  await prefix.ok(`mkdir ${root}/units && cd opt/current/deploy/systemd && for name in claude-*; do
    sed ${fill} $name > ${root}/units/$name; done; ! grep -r '__[A-Z_]*__' ${root}/units`)
  const { code, stderr } = await prefix.sh(`systemd-analyze verify ${root}/units/*`)
  expect([code, stderr]).toEqual([0, ''])
})

it('uninstalled, the original is back with its data, and what was kept since lies beside', async () => {
  const said = await prefix.ok('claude-proxy service uninstall')
  expect(said).toContain(`the Python original is back; what was kept since lies in ${prefix.root}/opt.data-`)
  await prefix.ok(`until ${call('/healthz')}; do sleep 0.2; done`)
  expect(await prefix.ok(call('/healthz'))).toBe('{"ok":true}')
  await prefix.ok(
    `ls opt/data/conversations/phone-1/events.ndjson opt.data-*/claude-proxy.db && ! test -e bin/claude-proxy`,
  )
})
