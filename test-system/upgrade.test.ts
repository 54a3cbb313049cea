import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { type Box, openBox } from './support/box.ts'
import { ENV_FILE, INSTALL } from './support/install.ts'
import { publish } from './support/source.ts'

const share = inject('share')
const first = `0.1.0-${inject('commit')}`

let box: Box
beforeAll(async () => {
  box = await openBox(share, inject('layer'))
  await box.ok(`${INSTALL} sh /mnt/source/install.sh && echo CLAUDE_PROXY_AGENT=scripted >> ${ENV_FILE}`)
  await box.ok('claude-proxy service restart')
})
afterAll(() => box?.[Symbol.asyncDispose]())

const version = async () =>
  (JSON.parse(await box.ok('curl -fsS http://127.0.0.1:8787/healthz')) as { version: string }).version
/** Starts a run; whoever started it goes away as soon as it has. */
const prompt = (id: string, text: string) => {
  const body = JSON.stringify({ conversation_id: id, cwd: `/srv/${id}`, text })
  const post = `curl -sN -m 2 http://127.0.0.1:8787/v1/agent/stream -H 'Content-Type: application/json' -d '${body}'`
  return box.ok(`install -d -o claude-proxy /srv/${id}; ${post}; true`)
}
const eventsOf = (id: string) => box.ok(`curl -fsS http://127.0.0.1:8787/v1/conversations/${id}/events?since=0`)

it('waits for the run that is active, and changes nothing when it goes on', async () => {
  publish(share, '0.1.1')
  await prompt('busy', '@say Here.\n@hang')
  const { code, stdout } = await box.sh('claude-proxy upgrade /mnt/release-0.1.1 --upgrade-wait-seconds 1')
  expect([code, stdout]).toEqual([1, expect.stringMatching(/Runs were active for 1 seconds, and nothing was changed/)])
  expect(await version()).toBe(first)
})

it('takes the service to a newer release as soon as nothing is active, one at a time; every event is there', async () => {
  const before = await eventsOf('busy')
  const log = '/tmp/upgrade.log'
  const upgrade = box.ok(`claude-proxy upgrade /mnt/release-0.1.1 | tee ${log}`)
  await box.ok(`until grep -s "lies ready" ${log}; do sleep 0.1; done`)
  const second = await box.sh(`claude-proxy upgrade /mnt/release-0.1.1`)
  expect([second.code, second.stdout]).toEqual([1, expect.stringContaining('installs or upgrades here just now')])
  await box.ok('curl -fsS -X POST http://127.0.0.1:8787/v1/conversations/busy/interrupt')
  expect(await upgrade).toContain('step=complete status=ok msg="0.1.1 runs')
  expect(await version()).toBe('0.1.1')
  expect(await eventsOf('busy')).toContain(before.trim())
})

it('takes a release from a server, and says so when it has nothing newer', async () => {
  publish(share, '0.1.2')
  await box.ok('systemd-run --unit=releases python3 -m http.server 9000 --bind 127.0.0.1 --directory /mnt')
  await box.ok(`echo CLAUDE_PROXY_RELEASES=http://127.0.0.1:9000/release-0.1.2 >> ${ENV_FILE}`)
  await box.ok('until curl -fsS http://127.0.0.1:9000/ > /dev/null; do sleep 0.1; done; claude-proxy upgrade')
  expect(await version()).toBe('0.1.2')
  expect(await box.ok('claude-proxy upgrade')).toContain('0.1.2 runs; there is nothing newer')
})

it('goes back when somebody says so', async () => {
  expect(await box.ok('claude-proxy rollback')).toContain('msg="0.1.1 runs"')
  expect(await version()).toBe('0.1.1')
})

it('what was not signed, or not with the right key, or was changed since, is refused', async () => {
  const copy = (name: string) => {
    cpSync(join(share, 'release-0.1.2'), join(share, name), { recursive: true })
    return join(share, name)
  }
  appendFileSync(join(copy('longer'), 'claude-proxy-0.1.2.tar.gz'), 'x')
  const sums = join(copy('other-sums'), 'SHA256SUMS')
  writeFileSync(
    sums,
    readFileSync(sums, 'utf8').replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
  )
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(share, 'stranger.pem')])
  const forged = copy('forged')
  execFileSync('sh', [
    '-c',
    'openssl pkeyutl -sign -rawin -inkey "$1/stranger.pem" -in "$2/SHA256SUMS" | base64 -w 0 > "$2/SHA256SUMS.sig"',
    'sh',
    share,
    forged,
  ])
  for (const name of ['longer', 'other-sums', 'forged']) {
    const { code, stdout } = await box.sh(`claude-proxy upgrade /mnt/${name}`)
    expect([name, code, stdout]).toEqual([
      name,
      1,
      expect.stringMatching(/is not signed by|is not the file that was signed/),
    ])
  }
  expect(await version()).toBe('0.1.1')
})

it('a release that does not come up is taken back by itself, with the data as it was before its migration', async () => {
  publish(share, '0.1.3', (tree) => {
    const server = join(tree, 'packages/server/src')
    writeFileSync(join(server, 'store/sqlite/migrations/9999_gone.sql'), 'DROP TABLE runs;')
  })
  const before = await eventsOf('busy')
  const { code, stdout } = await box.sh('claude-proxy upgrade /mnt/release-0.1.3')
  expect([code, stdout]).toEqual([
    1,
    expect.stringMatching(/step=upgrade status=error msg=".*0\.1\.3 .*0\.1\.1 runs again/),
  ])
  expect(await version()).toBe('0.1.1')
  expect(await eventsOf('busy')).toBe(before)
  await prompt('after', '@say Still here.')
  expect(await eventsOf('after')).toContain('Still here.')
})

it('does not go back to a release that does not know the data', async () => {
  publish(share, '0.1.4', (tree) => {
    const migrations = join(tree, 'packages/server/src/store/sqlite/migrations')
    writeFileSync(join(migrations, '9999_more.sql'), 'CREATE TABLE more (x) STRICT;'.replace('(x)', '(x INTEGER)'))
  })
  await box.ok('claude-proxy upgrade /mnt/release-0.1.4')
  expect(await eventsOf('after')).toContain('Still here.')
  const { code, stdout } = await box.sh('claude-proxy rollback')
  expect([code, stdout]).toEqual([1, expect.stringMatching(/knows data up to schema version \d+, .* has 9999/)])
  expect(await version()).toBe('0.1.4')
  expect(await box.ok('ls -d /opt/claude-proxy/data/before-schema-*')).not.toBe('')
})
