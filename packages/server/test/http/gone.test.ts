import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import { readConfig } from '../../src/config.ts'
import { createBell } from '../../src/core/log/bell.ts'
import { createFeed } from '../../src/core/log/feed.ts'
import { createEventLog } from '../../src/core/log/log.ts'
import type { Bell } from '../../src/core/ports/outside.ts'
import { createListener } from '../../src/http/app.ts'
import type { createRoutes, Exchange } from '../../src/http/routes.ts'
import { createSseStreams } from '../../src/http/sse.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

/** Clients that are gone before their answer begins. */

const quiet = { info() {}, warn() {}, error() {} }

test('a stream that opens when its client has gone already leaves no reader behind', async () => {
  const listening = countListeners()
  const clock = { now: Date.now }
  const store = createMemoryStore()
  const events = createEventLog({ store, bell: listening.bell, clock, log: quiet, doubtMs: 2000 })
  const feed = createFeed({ store, bell: listening.bell, log: quiet, doubtMs: 2000 })
  const streams = createSseStreams({ events, feed, partials: undefined, log: quiet })
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
    },
  } as unknown as ReturnType<typeof createRoutes>
  const rules = readConfig([], {})
  const stopping = new AbortController().signal
  await abandoned(
    '/v1/conversations/c/history',
    createListener({ routes, rules, log: quiet, headers: {}, maxBodyBytes: 1, stopping }),
  )
  expect(await isGone).toBe(true)
})

/** A response whose client has hung up while it was being thought about. */
async function abandoned(path = '/', listener?: RequestListener): Promise<ServerResponse> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
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
        const listener = bell.listen(conversation, wake)
        count++
        return {
          [Symbol.dispose]() {
            listener[Symbol.dispose]()
            count--
          },
        }
      },
    },
  }
}
