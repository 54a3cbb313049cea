import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, openBox } from './support/box.ts'
import { ENV_FILE, INSTALL } from './support/install.ts'

const CONF = readFileSync(join(import.meta.dirname, '../deploy/nginx.conf'), 'utf8')
const HOST = 'agents.example.org'
const CALL = `curl -sN --cacert /etc/nginx/tls/fullchain.pem --resolve ${HOST}:443:127.0.0.1`

let box: Box
beforeAll(async () => {
  box = await openBox(inject('share'), inject('layer'))
  const settings = `CLAUDE_PROXY_AGENT=scripted\nCLAUDE_PROXY_ALLOWED_HOSTS=${HOST}\nCLAUDE_PROXY_TRUSTED_PROXIES=127.0.0.1\n`
  await box.ok(`cat > ${ENV_FILE} && chmod 600 ${ENV_FILE} && ${INSTALL} sh /mnt/source/install.sh`, settings)
  await box.ok(`mkdir -p /etc/nginx/tls && cd /etc/nginx/tls && openssl req -x509 -newkey rsa:2048 -nodes -days 2 \
    -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST} -keyout privkey.pem -out fullchain.pem`)
  await box.ok(
    'rm -f /etc/nginx/sites-enabled/*; cat > /etc/nginx/conf.d/claude-proxy.conf && systemctl restart nginx',
    CONF,
  )
})
afterAll(() => box?.[Symbol.asyncDispose]())

const stream = (text: string | undefined, lastEventId: number) => {
  const body = JSON.stringify({ conversation_id: 'a', cwd: '/srv', ...(text !== undefined && { text }) })
  return `${CALL} https://${HOST}/v1/agent/stream -H 'Content-Type: application/json' -H 'Last-Event-ID: ${lastEventId}' -d '${body}'`
}

it('an event comes through when it happens, while its run goes on', async () => {
  // The run never ends by itself: what is read here was not held back until something was full.
  const seen = await box.ok(`${stream('@say One.\n@hang', 0)} | sed '/One\\./q'`)
  expect(seen).toContain('One.')
  const { stdout } = await box.sh(`${CALL} 'https://${HOST}/v1/conversations?state=running'`)
  expect(stdout).toContain('"running"')
})

it('the audit trail has the address of the client, and nothing that it has invented', async () => {
  // From another address of this machine than nginx has.
  const from = `--interface 127.0.0.9 -H 'X-Forwarded-For: 6.6.6.6' -H 'Forwarded: for=6.6.6.6'`
  const body = JSON.stringify({ cwd: '/srv' })
  await box.ok(`${CALL} -f ${from} https://${HOST}/v1/conversations -H 'Content-Type: application/json' -d '${body}'`)
  expect(await box.ok('claude-proxy audit')).toMatch(/\(127\.0\.0\.9 curl\S*\) {2}createConversation/)
})

it('cut, it goes on behind the last event that was seen', async () => {
  await box.ok(`${CALL} -f -X POST https://${HOST}/v1/conversations/a/interrupt`)
  const stored = await box.ok(`${CALL} 'https://${HOST}/v1/conversations/a/events?since=0'`)
  const rest = await box.ok(stream(undefined, 1))
  const ids = [...rest.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  expect(ids).toEqual(
    stored
      .trim()
      .split('\n')
      .slice(1)
      .map((_, n) => n + 2),
  )
})
