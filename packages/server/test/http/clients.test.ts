import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { EventSource } from 'eventsource'
import { chromium } from 'playwright-core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { EXECUTABLE } from '../support/chromium.ts'
import { replay } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { post, resultsOf } from './calls.ts'

/** Clients that are not ours: each loses its connection over and over, and the service once, and has all of it once. */

const PATIENCE = { timeout: 30_000, interval: 20 }

/** The address that a client comes back to, whatever port the service has now. */
async function startDoor(service: TestService) {
  const sockets = new Set<Socket>()
  let isOpen = true
  const server = createServer((socket) => {
    if (!isOpen) return socket.destroy()
    const far = connect(Number(new URL(service.base).port), '127.0.0.1')
    for (const [from, to] of [
      [socket, far],
      [far, socket],
    ] as const) {
      sockets.add(from)
      from
        .on('error', () => to.destroy())
        .on('close', () => {
          sockets.delete(from)
          to.destroy()
        })
      from.pipe(to)
    }
    return undefined
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    open: (is: boolean) => void (isOpen = is),
  }
}

/** What the client has been given: the ids, in order. */
interface Client {
  ids(): Promise<number[]>
}

/** Prompts, cuts and a restart, while a client watches. */
async function live(open: (url: string) => Promise<Client>): Promise<void> {
  await using service = await startTestService()
  const door = await startDoor(service)
  const made = await post(service, '/v1/conversations', { cwd: service.folder() })
  const id = String(made.json?.['conversation_id'])
  const client = await open(`${door.base}/v1/conversations/${id}/stream?snapshot=true`)
  let runs = 0
  const send = (text: string) => {
    runs++
    return post(service, `/v1/conversations/${id}/messages`, { text })
  }
  /** All runs are over, and the client has their last event. */
  const level = () =>
    vi.waitFor(async () => {
      const events = await replay(service.base, id)
      expect(resultsOf(events)).toHaveLength(runs)
      expect((await client.ids()).at(-1)).toBe(events.length)
    }, PATIENCE)

  await send('one')
  await level()
  for (const text of ['two', 'three', 'four'].map((word) => `${word} @load n=200 rate=400`)) {
    door.cut()
    await send(text)
    door.cut()
    await level()
  }
  door.open(false)
  await service.restart()
  await send('five')
  door.open(true)
  await level()

  const head = (await replay(service.base, id)).length
  expect(head).toBeGreaterThan(10)
  expect(await client.ids()).toEqual(Array.from({ length: head }, (_, index) => index + 1))
}

test('the npm package eventsource', () =>
  live(async (url) => {
    const ids: number[] = []
    const source = new EventSource(url)
    source.addEventListener('message', ({ lastEventId, data }) => {
      JSON.parse(data)
      ids.push(Number(lastEventId))
    })
    onTestFinished(() => source.close())
    return { ids: async () => ids }
  }))

test('the npm package @microsoft/fetch-event-source', () =>
  live(async (url) => {
    // It is made for pages.
    const page = { fetch, setTimeout, clearTimeout }
    const document = { hidden: false, addEventListener() {}, removeEventListener() {} }
    vi.stubGlobal('window', page)
    vi.stubGlobal('document', document)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { fetchEventSource } = await import('@microsoft/fetch-event-source')
    const ids: number[] = []
    const stop = new AbortController()
    const isOver = fetchEventSource(url, {
      signal: stop.signal,
      onmessage: ({ id }) => void (id !== '' && ids.push(Number(id))),
      // An orderly end is for good to this client, unless it is told otherwise; an error has it come back.
      onclose() {
        throw new Error('again')
      },
      onerror: () => 50,
    })
    onTestFinished(async () => {
      stop.abort()
      await isOver
    })
    return { ids: async () => ids }
  }))

test.skipIf(EXECUTABLE === undefined)('the EventSource of a browser, on a page of the service', () =>
  live(async (url) => {
    const browser = await chromium.launch({
      executablePath: EXECUTABLE ?? '',
      args: ['--no-sandbox'],
      env: { PATH: process.env['PATH'] ?? '' },
    })
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    await page.goto(new URL('/healthz', url).href)
    await page.evaluate(`{
      globalThis.ids = []
      const source = new EventSource(${JSON.stringify(url)})
      source.onmessage = ({ lastEventId }) => ids.push(Number(lastEventId))
    }`)
    return { ids: () => page.evaluate<number[]>('ids') }
  }),
)
