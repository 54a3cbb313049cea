import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

async function fromOf(trustedProxies: string[], headers: Record<string, string>): Promise<unknown> {
  await using service = await startTestService({ config: { trustedProxies } })
  await call(`${service.base}/v1/conversations`, { method: 'POST', headers, body: { cwd: service.folder() } })
  const { json } = await call(`${service.base}/v1/audit`)
  return (json as { entries: { from: string }[] }).entries[0]?.from
}

test.each([
  ['nobody is trusted', [], '1.2.3.4', '127.0.0.1'],
  ['another is trusted', ['10.0.0.1'], '1.2.3.4', '127.0.0.1'],
  ['the proxy says so', ['127.0.0.1'], '1.2.3.4', '1.2.3.4'],
  ['the client has invented one before', ['127.0.0.0/8'], '9.9.9.9, 1.2.3.4', '1.2.3.4'],
  ['it comes by two proxies of ours', ['127.0.0.1', '10.0.0.0/8'], '9.9.9.9, 1.2.3.4, 10.0.0.7', '1.2.3.4'],
  ['it is IPv6', ['127.0.0.1'], '2001:db8::1', '2001:db8::1'],
  ['it is IPv4 in the dress of IPv6', ['127.0.0.1'], '::ffff:1.2.3.4', '1.2.3.4'],
  ['it comes by a proxy with IPv6', ['127.0.0.1', '2001:db8::7'], '1.2.3.4, 2001:db8::7', '1.2.3.4'],
  ['it comes by a network of them', ['127.0.0.1', '2001:db8::/32'], '1.2.3.4, 2001:db8:1::9', '1.2.3.4'],
  ['it only begins as such a network does', ['127.0.0.1', '2001:db8::/32'], '1.2.3.4, 2001:db9::9', '2001:db9::9'],
  ['nobody is named', ['127.0.0.1'], ', ', '127.0.0.1'],
  ['it is no address', ['127.0.0.1'], '<script>', '127.0.0.1'],
  ['all are proxies', ['127.0.0.1', '10.0.0.0/8'], '10.0.0.7', '127.0.0.1'],
])('where %s, the audit trail has the address that can be believed', async (_, proxies, header, from) => {
  const headers = { 'x-forwarded-for': header, forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' }
  expect(await fromOf(proxies, headers)).toBe(from)
})

test.each([
  ['for=1.2.3.4', '1.2.3.4'],
  ['For="[2001:db8::1]:4711";proto=https', '2001:db8::1'],
  ['for=9.9.9.9, for="1.2.3.4:80";by=10.0.0.1;host=localhost', '1.2.3.4'],
  ['for=1.2.3.4;by=_x, for=10.0.0.7', '1.2.3.4'],
  ['for="9.9.9.9, for=8.8.8.8", for=1.2.3.4', '1.2.3.4'],
  ['for=1.2.3.4, for=unknown', '127.0.0.1'],
  ['for=1.2.3.4, for=_hidden', '127.0.0.1'],
  ['for=1.2.3.4;for=5.6.7.8', '127.0.0.1'],
  ['for=1.2.3.4 for=5.6.7.8', '127.0.0.1'],
  ['for="1.2.3.4', '127.0.0.1'],
  ['1.2.3.4', '127.0.0.1'],
])('of a proxy that writes only Forwarded: %s, the audit trail has %s', async (forwarded, from) => {
  expect(await fromOf(['127.0.0.1', '10.0.0.0/8'], { forwarded })).toBe(from)
  expect(await fromOf([], { forwarded })).toBe('127.0.0.1')
})

test('a page of the name that the proxy was asked for is our own, if that name is allowed', async () => {
  const config = { allowedHosts: ['agent.example'] }
  await using trusting = await startTestService({ config: { ...config, trustedProxies: ['127.0.0.1'] } })
  await using other = await startTestService({ config })
  const says = [
    (host: string) => ({ 'x-forwarded-host': host }),
    (host: string) => ({ forwarded: `for=1.2.3.4;host="${host}"` }),
  ]
  for (const say of says) {
    const ask = async ({ base }: { base: string }, host: string) =>
      (await call(`${base}/healthz`, { headers: { origin: `https://${host}`, ...say(host) } })).status
    expect(await ask(trusting, 'agent.example')).toBe(200)
    expect(await ask(trusting, 'evil.example')).toBe(403)
    expect(await ask(other, 'agent.example')).toBe(403)
  }
})

test.each(['10.0.0.0/33', 'proxy', '10.0.0.1/x', '::1/129', '/8'])('%s is no proxy', async (proxy) => {
  await expect(startTestService({ config: { trustedProxies: [proxy] } })).rejects.toThrow(/--trusted-proxies/)
})
