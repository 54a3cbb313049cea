import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

async function fromOf(trustedProxies: string[], forwardedFor: string): Promise<unknown> {
  await using service = await startTestService({ config: { trustedProxies } })
  const headers = { 'x-forwarded-for': forwardedFor, forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' }
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
  ['it is no address', ['127.0.0.1'], '<script>', '127.0.0.1'],
  ['all are proxies', ['127.0.0.1', '10.0.0.0/8'], '10.0.0.7', '127.0.0.1'],
])('where %s, the audit trail has the address that can be believed', async (_, proxies, header, from) => {
  expect(await fromOf(proxies, header)).toBe(from)
})

test('a page of the name that the proxy was asked for is our own, if that name is allowed', async () => {
  const config = { allowedHosts: ['agent.example'] }
  await using trusting = await startTestService({ config: { ...config, trustedProxies: ['127.0.0.1'] } })
  await using other = await startTestService({ config })
  const ask = async ({ base }: { base: string }, host: string) =>
    (await call(`${base}/healthz`, { headers: { origin: `https://${host}`, 'x-forwarded-host': host } })).status
  expect(await ask(trusting, 'agent.example')).toBe(200)
  expect(await ask(trusting, 'evil.example')).toBe(403)
  expect(await ask(other, 'agent.example')).toBe(403)
})

test.each(['10.0.0.0/33', 'proxy', '10.0.0.1/x', '::1/129', '/8'])('%s is no proxy', async (proxy) => {
  await expect(startTestService({ config: { trustedProxies: [proxy] } })).rejects.toThrow(/--trusted-proxies/)
})
