import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createConsolePage } from '../../src/http/console.ts'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

it('the page is at /, is for everybody, and lets nothing of others in', async () => {
  await using service = await startTestService({ config: { token: 'secret' } })
  const { status, headers, text } = await call(`${service.base}/`)
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /,
  )
  const files = [...text.matchAll(/(?:src|href)="(console\/[^"]+)"/g)].map(([, file]) => file)
  expect(files).toHaveLength(5)
  for (const file of files) {
    const found = await call(`${service.base}/${file}`)
    expect([file, found.status]).toEqual([file, 200])
    expect(found.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  }
  expect((await call(`${service.base}/v1/conversations`)).status).toBe(401)
})

it.each(['nothing.js', 'built-from', '..%2fpackage.json', '%2e%2e/package.json', 'a/b.js', '', 'index.html%00.js'])(
  'below /console/ there is nothing but the files of the page: %s',
  async (name) => {
    await using service = await startTestService()
    expect((await call(`${service.base}/console/${name}`)).status).toBe(404)
    expect(service.complaints).toEqual([])
  },
)

it('what is no GET is refused at the page', async () => {
  await using service = await startTestService()
  const { status, headers } = await call(`${service.base}/`, { method: 'POST', body: {} })
  expect([status, headers['allow']]).toEqual([405, 'GET'])
})

it('where the page is not built, / says what to do', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'console-'))
  onTestFinished(() => rmSync(empty, { recursive: true }))
  const page = createConsolePage(empty)
  const server = createServer((request, response) => void page.answer('/', request, response)).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/`)
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('npm run build')
})

it('a file of the page that cannot be read is a mistake of ours, and not a file that is missing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'console-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'page.js'))
  const page = createConsolePage(directory)
  const asked = (path: string) => page.answer(path, { method: 'GET' } as IncomingMessage, {} as ServerResponse)
  await expect(asked('/console/page.js')).rejects.toThrow(/EISDIR/)
  await expect(asked('/console/other.js')).rejects.toMatchObject({ code: 'not_found' })
})
