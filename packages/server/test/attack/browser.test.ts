import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { canonical, events } from '../http/calls.ts'
import { EXECUTABLE } from '../support/chromium.ts'
import { call } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

if (EXECUTABLE === undefined)
  process.stderr.write(
    'SKIPPED: there is no Chromium here, so that no real page of another origin tries the service.\n',
  )

/** What a page tries, in its own words: each says what it has got to read, or that it was refused. */
const TRIES = `
  const refused = (error) => 'refused: ' + error
  const ask = (path, options) => fetch(service + path, options).then((r) => r.type + ' ' + r.status, refused)
  const waitFor = (target, good, bad) => new Promise((resolve) => {
    target[good] = () => resolve('came in')
    target[bad] = () => resolve('refused')
  })
  const submit = (enctype) => new Promise((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { name: 'f' + Math.random() })
    document.body.append(frame)
    const form = Object.assign(document.createElement('form'), { method: 'POST', enctype, action: service + '/v1/agent/stream', target: frame.name })
    const json = JSON.stringify(body)
    const field = Object.assign(document.createElement('input'), { name: json.slice(0, -1) + ',"x":"', value: '"}' })
    form.append(field)
    document.body.append(form)
    frame.onload = () => resolve('sent')
    form.submit()
  })
  const post = { method: 'POST', body: JSON.stringify(body) }
  return {
    form: await submit('application/x-www-form-urlencoded'),
    plainForm: await submit('text/plain'),
    partsForm: await submit('multipart/form-data'),
    noCors: await ask('/v1/agent/stream', { ...post, mode: 'no-cors' }),
    beacon: String(navigator.sendBeacon(service + '/v1/agent/stream', post.body)),
    cors: await ask('/v1/agent/stream', { ...post, headers: { 'content-type': 'application/json' } }),
    corsPlain: await ask('/v1/agent/stream', post),
    get: await ask('/v1/conversations/canonical?cwd=' + encodeURIComponent(body.cwd)),
    noCorsGet: await ask('/v1/conversations/canonical?cwd=' + encodeURIComponent(body.cwd), { mode: 'no-cors' }),
    image: await waitFor(Object.assign(new Image(), { src: service + '/v1/conversations/canonical?cwd=' + encodeURIComponent(body.cwd) }), 'onload', 'onerror'),
    eventSource: await waitFor(new EventSource(service + '/v1/agent/stream'), 'onopen', 'onerror'),
    webSocket: await waitFor(new WebSocket(service.replace('http', 'ws') + '/v1/agent/stream'), 'onopen', 'onerror'),
  }
`

test.skipIf(EXECUTABLE === undefined)(
  'a real page of another origin, with all that a browser lets it do, starts nothing and reads nothing',
  async () => {
    await using service = await startTestService()
    const browser = await openBrowser()
    // Another port is another origin and the same site; another name is another site.
    for (const name of ['127.0.0.1', 'evil.test']) {
      const page = await browser.newPage()
      await page.goto(await servePage(name))
      const cwd = service.folder()
      const id = `page-${name.replaceAll('.', '-')}`
      const body = { conversation_id: id, cwd, text: 'pwned' }
      const got = await page.evaluate(
        `(async () => { const service = ${JSON.stringify(service.base)}; const body = ${JSON.stringify(body)}; ${TRIES} })()`,
      )
      expect(got).toMatchObject({
        cors: expect.stringContaining('refused'),
        corsPlain: expect.stringContaining('refused'),
        get: expect.stringContaining('refused'),
        image: 'refused',
        eventSource: 'refused',
        webSocket: 'refused',
      })
      await expectUntouched(service, id, cwd)
    }
    expect(service.complaints).toEqual([])
  },
)

test.skipIf(EXECUTABLE === undefined)(
  'a real page whose name was pointed at this machine reads nothing: DNS rebinding',
  async () => {
    await using service = await startTestService()
    const browser = await openBrowser()
    const { port } = new URL(service.base)
    const page = await browser.newPage()
    // The service itself answers under the name, so that the browser takes all that follows for the same origin.
    await page.goto(`http://evil.test:${port}/healthz`)
    const cwd = service.folder()
    const body = JSON.stringify({ conversation_id: 'rebound', cwd, text: 'pwned' })
    const got = await page.evaluate(`(async () => {
      const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)} }
      return [await fetch('/healthz').then((r) => r.status), await fetch('/v1/agent/stream', options).then((r) => r.text())]
    })()`)
    expect(got).toEqual([403, expect.stringContaining('forbidden_host')])
    await expectUntouched(service, 'rebound', cwd)
  },
)

/** The name `evil.test` leads to this machine, for this browser alone. Its profile is a new one and goes with it. */
async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: EXECUTABLE ?? '',
    args: ['--no-sandbox', '--host-resolver-rules=MAP evil.test 127.0.0.1'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  onTestFinished(() => browser.close())
  return browser
}

/** The address of an empty page on a port of its own. */
async function servePage(name: string): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://${name}:${(server.address() as AddressInfo).port}/`
}

async function expectUntouched(service: TestService, id: string, cwd: string): Promise<void> {
  expect((await events(service, id)).status).toBe(404)
  expect((await canonical(service, cwd)).json).toMatchObject({ created: true })
  expect((await call(`${service.base}/healthz`)).status).toBe(200)
}
