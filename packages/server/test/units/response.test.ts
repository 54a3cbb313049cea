import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { LightResponse } from '../../src/http/response.ts'

async function answerOf(listener: RequestListener<never, typeof LightResponse>): Promise<Response> {
  const server = createServer({ ServerResponse: LightResponse }, listener as RequestListener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

test('what was set one by one is sent with what the head brings, which counts where both say something', async () => {
  const { status, headers } = await answerOf((_, response) => {
    response.setHeader('X-One', 'set').setHeader('x-two', 2).setHeader('x-three', ['a', 'b'])
    response.setHeader('x-one', 'set again').writeHead(202, { 'x-two': 'of the head' }).end()
  })
  expect(status).toBe(202)
  expect(Object.fromEntries(headers)).toMatchObject({ 'x-one': 'set again', 'x-two': 'of the head', 'x-three': 'a, b' })
})

test('it is also sent where nobody writes a head', async () => {
  const { status, headers } = await answerOf((_, response) => {
    response.statusCode = 418
    response.setHeader('x-one', 'set').end('tea')
  })
  expect([status, headers.get('x-one'), headers.get('content-length')]).toEqual([418, 'set', '3'])
})

test('what cannot be sent is refused when it is set, and the answer goes without it', async () => {
  const refused: unknown[] = []
  const { headers } = await answerOf((_, response) => {
    for (const [name, value] of [
      ['x-one', 'a\r\nx-two: b'],
      ['x-one', ['fine', 'ü\n']],
      ['x one', 'a'],
    ] as const) {
      try {
        response.setHeader(name, value)
      } catch (error) {
        refused.push((error as NodeJS.ErrnoException).code)
      }
    }
    response.end()
  })
  expect(refused).toEqual(['ERR_INVALID_CHAR', 'ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN'])
  expect(headers.has('x-one') || headers.has('x-two')).toBe(false)
})

test('a stream that is open holds none of its headers', async () => {
  const { promise: held, resolve } = Promise.withResolvers<object>()
  const { headers } = await answerOf((_, response) => {
    response.setHeader('x-one', 'set').writeHead(200, { 'x-two': 'of the head' }).flushHeaders()
    resolve(response.getHeaders())
    response.end()
  })
  expect(headers.get('x-one')).toBe('set')
  expect(await held).toEqual({})
})
