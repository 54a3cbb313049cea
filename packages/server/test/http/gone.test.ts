import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { readConfig } from '../../src/config.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import { UNCOUNTED } from '../../src/core/ports/metrics.ts'
import type { Bell, Log } from '../../src/core/ports/outside.ts'
import { createTokens } from '../../src/core/access/tokens.ts'
import { createListener } from '../../src/http/app.ts'
import { createEntrance } from '../../src/http/caller.ts'
import { createForwarding } from '../../src/http/forwarded.ts'
import { createRecord } from '../../src/http/record.ts'
import { createRevocation } from '../../src/http/revoked.ts'
import { newHexId, newSecret } from '../../src/random.ts'
import { createConsolePage } from '../../src/http/console.ts'
import type { createRoutes, Exchange } from '../../src/http/routes.ts'
import { createSseStreams } from '../../src/http/sse.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { call } from '../support/client.ts'

/** Clients that are gone before their answer is, and answers that do not come to their end. */

type Routes = ReturnType<typeof createRoutes>

const quiet = { info() {}, warn() {}, error() {} }
const HISTORY = '/v1/conversations/c/history'

test('a stream that opens when its client has gone already leaves no reader behind', async () => {
  const listening = countListeners()
  const clock = { now: Date.now }
  const store = createMemoryStore()
  const events = createEventLog({ store, bell: listening.bell, clock, log: quiet, doubtMs: 2000 })
  const streams = createSseStreams({ events, partials: undefined, log: quiet, metrics: UNCOUNTED })
  const out = await abandoned()
  streams.open(out, { conversation: 'c' as ConversationId, after: 0, until: 'never' })
  await sleep(0)
  expect(listening.count()).toBe(0)
})

test('what is sent is sent to nobody when the client has gone already', async () => {
  const { promise: isGone, resolve } = Promise.withResolvers<boolean>()
  const routes = {
    async history({ response, signal }: Exchange) {
      await once(response, 'close')
      resolve(signal().aborted)
      return undefined
    },
  }
  await abandoned(HISTORY, listener(routes))
  expect(await isGone).toBe(true)
})

test('an answer that fails in its middle breaks off and is told of, but not when nobody waits for it', async () => {
  const { log, complaints } = listeningLog()
  const error = new Error('The disk is gone.')
  const failed = Promise.withResolvers<void>()
  let isLate = false
  const routes = {
    async history({ response }: Exchange): Promise<undefined> {
      response.writeHead(200).write('half')
      if (isLate) await once(response, 'close')
      if (isLate) failed.resolve()
      throw error
    },
  }
  await expect(call(`${await serve(listener(routes, log))}${HISTORY}`)).rejects.toThrow(/aborted|hang up/)
  expect(complaints).toEqual([['a response broke off', { request: expect.any(String), path: HISTORY, error }]])
  isLate = true
  await abandoned(HISTORY, listener(routes, log))
  await failed.promise
  await sleep(0)
  expect(complaints).toHaveLength(1)
})

test('a mistake of ours is told in our shape, without a word of what it was, and the log has it', async () => {
  const { log, complaints } = listeningLog()
  const error = new Error('undefined is not a function')
  const answer = await call(`${await serve(listener({ health: () => Promise.reject(error) }, log))}/healthz`)
  expect(answer).toMatchObject({ status: 500, json: { error: 'internal' } })
  expect(answer.text).not.toContain('undefined')
  expect(complaints).toEqual([
    ['a request failed', { request: answer.headers['x-request-id'], method: 'GET', path: '/healthz', error }],
  ])
})

/** The service's listener on top of routes that are the test's. */
function listener(routes: Partial<Routes>, log: Log = quiet): RequestListener {
  const stopping = new AbortController().signal
  const config = { ...readConfig([], {}), unnamed: 'loopback' } as const
  const clock = { now: Date.now }
  const forwarding = createForwarding([])
  const store = createMemoryStore()
  const tokens = createTokens({ store, clock, newId: newHexId, newSecret })
  return createListener({
    routesWithin: () => routes as Routes,
    console: createConsolePage('/nowhere'),
    forwarding,
    callerOf: createEntrance(tokens, forwarding, config),
    recordOf: createRecord({ store, clock, log }).of,
    revocation: createRevocation(tokens, log),
    rules: config,
    log,
    clock,
    metrics: UNCOUNTED,
    headers: {},
    maxBodyBytes: 1,
    stopping,
  })
}

function listeningLog() {
  const complaints: unknown[] = []
  const error = (message: string, details?: object) => void complaints.push([message, details])
  return { complaints, log: { ...quiet, error } }
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A response whose client has hung up while it was being thought about. */
async function abandoned(path = '/', answer?: RequestListener): Promise<ServerResponse> {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>()
  const base = await serve((request, response) => {
    resolve(response)
    answer?.(request, response)
  })
  const client = connect(Number(new URL(base).port), '127.0.0.1')
  client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const response = await asked
  const closed = once(response, 'close')
  client.resetAndDestroy()
  await closed
  return response
}

function countListeners(): { bell: Bell; count: () => number } {
  const bell = createBell()
  let count = 0
  return {
    count: () => count,
    bell: {
      ...bell,
      listen(conversation, wake) {
        const heard = bell.listen(conversation, wake)
        count++
        return {
          [Symbol.dispose]() {
            heard[Symbol.dispose]()
            count--
          },
        }
      },
    },
  }
}
