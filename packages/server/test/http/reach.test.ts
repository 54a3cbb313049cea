import { createServer } from 'node:https'
import { once } from 'node:events'
import { chmodSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { versionAt } from '../../src/setup/health.ts'
import { awaitIdle } from '../../src/setup/idle.ts'
import { reachOf } from '../../src/setup/reach.ts'
import { readVersion } from '../../src/version.ts'
import { newWorld, runToEnd } from '../e2e/program.ts'
import { newCertificate } from '../support/certificate.ts'
import { startTestService } from '../support/service.ts'

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)

const NOWHERE = { host: '127.0.0.1', port: 0, socket: '', tlsCert: '' }

async function folder(): Promise<string> {
  const directory = (await newWorld()).folder('s')
  chmodSync(directory, 0o700)
  return directory
}

test.skipIf(!hasIpv6)('a service on an address of IPv6 is named as a URL has to name it', async () => {
  await using service = await startTestService({ config: { host: '::1' } })
  expect(service.base).toMatch(/^http:\/\/\[::1\]:\d+$/)
  expect((await fetch(`${service.base}/healthz`)).status).toBe(200)
})

test('the service is found by its port, by its socket alone, and behind a certificate of its own', async () => {
  const directory = await folder()
  const { cert: tlsCert, key: tlsKey } = newCertificate(directory)
  const socket = join(directory, 'proxy.sock')
  const doors = [{}, { host: 'none', socket }, { tlsCert, tlsKey }, { requireToken: true }]
  for (const config of doors) {
    await using service = await startTestService({ config })
    const port = service.base.startsWith('unix:') ? 0 : Number(new URL(service.base).port)
    const reach = reachOf({ ...NOWHERE, ...config, port })
    expect(reach.place).toBe(service.base)
    expect(await versionAt(reach)).toBe(readVersion())
  }
})

test('whoever answers with another certificate gets no request, and so no token', async () => {
  const [ours, theirs] = [newCertificate(await folder()), newCertificate(await folder())]
  const asked: (string | undefined)[] = []
  const options = { cert: readFileSync(theirs.cert), key: readFileSync(theirs.key) }
  const server = createServer(options, ({ headers }, response) => {
    asked.push(headers.authorization)
    response.end('{}')
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ask = (tlsCert: string) =>
    reachOf({ ...NOWHERE, port, tlsCert }).fetch('/', { headers: { Authorization: 'Bearer x' } })
  await expect(ask(ours.cert)).rejects.toThrow('has another certificate than')
  expect(asked).toEqual([])
  expect((await ask(theirs.cert)).status).toBe(200)
})

test('a command at the terminal finds the service that has a socket only, and one with a certificate of its own', async () => {
  const directory = await folder()
  const world = await newWorld()
  const { cert, key } = newCertificate(directory)
  const socket = join(directory, 'proxy.sock')
  for (const config of [
    { host: 'none', socket },
    { tlsCert: cert, tlsKey: key },
  ]) {
    await using service = await startTestService({ config })
    await using other = await startTestService()
    const environment = {
      ...world.environment,
      ...('socket' in config
        ? { CLAUDE_PROXY_HOST: 'none', CLAUDE_PROXY_SOCKET: socket }
        : { CLAUDE_PROXY_TLS_CERT: cert, CLAUDE_PROXY_PORT: new URL(service.base).port }),
    }
    const cwd = other.folder()
    const args = ['run', '--cwd', cwd, '--quiet', '@say Found.']
    expect(await runToEnd({ ...world, environment }, args)).toMatchObject({
      code: 0,
      stdout: 'The script has ended.\n',
    })
  }
})

test('whether a run is active is known without a token, and while nothing runs there is none', async () => {
  let dataDir = ''
  {
    await using service = await startTestService({ config: { token: 'secret' } })
    ;({ dataDir } = service)
    expect(await awaitIdle({ dataDir }, 0)).toBe(true)
    const response = await fetch(`${service.base}/v1/agent/stream`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer secret' },
      body: JSON.stringify({ conversation_id: 'a', cwd: service.folder(), text: '@hang' }),
    })
    expect(response.status).toBe(200)
    expect(await awaitIdle({ dataDir }, 0)).toBe(false)
    await response.body?.cancel()
  }
  expect(await awaitIdle({ dataDir }, 0)).toBe(true)
})
