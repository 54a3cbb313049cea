import { once } from 'node:events'
import { request } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { stream } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { decide, questionOf } from './calls.ts'

beforeEach(() => {
  // Only what pings: everything else goes by the real clock.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const PATIENCE = { timeout: 30_000, interval: 5 }

test('a silent stream says every 15 seconds that it is still there, in a comment of its own', async () => {
  await using service = await startTestService()
  const atRest = vi.getTimerCount()
  const body = { conversation_id: 'silent', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@ask' })
  const question = await questionOf(running)
  const reader = request(`${service.base}/v1/agent/stream`, { method: 'POST', headers: { 'last-event-id': '4' } })
  reader.end(JSON.stringify(body))
  const [response] = await once(reader, 'response')
  let got = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (got += chunk))
  const ended = once(response, 'end')

  vi.advanceTimersByTime(15_000)
  await expect.poll(() => got, PATIENCE).toBe(': ping\n\n')
  vi.advanceTimersByTime(15_000)
  await expect.poll(() => got, PATIENCE).toBe(': ping\n\n: ping\n\n')

  await decide(service, 'silent', body.cwd, question, { behavior: 'allow' })
  await ended
  expect(got).toMatch(/^(?:: ping\n\n){2}id: 5\n/)
  expect(got.match(/ping/g)).toHaveLength(2)
  await running.ended
  expect(vi.getTimerCount()).toBe(atRest)
})
