import { describe, expect, test } from 'vitest'
import { call, replay, stream, streamAll } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { decide, events, questionOf } from '../calls.ts'
import { expectError, expectProxyHeaders } from '../expectations.ts'
import type { Words } from '../words.ts'

/** Reading a conversation again, as NDJSON. */
export function replayContract(agent: AgentName, words: Words): void {
  describe('replays', () => {
    test('a replay holds the very bytes that were streamed, from any position', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'bytes', cwd: service.folder(), text: words.many(6) }
      const streamed = await streamAll(service.base, body)
      expect(streamed.length).toBeGreaterThan(6)
      for (const since of [0, 1, 4, streamed.length - 1])
        expect(await replay(service.base, 'bytes', since)).toEqual(streamed.slice(since))
      const whole = await events(service, 'bytes')
      expect(whole.text).toBe(streamed.map(({ data }) => `${data}\n`).join(''))
      expect(whole.headers['content-type']).toMatch(/^application\/x-ndjson/)
      expect(whole.headers['x-proxy-last-event-id']).toBe(String(streamed.length))
      expectProxyHeaders(whole.headers)
    })

    test('a replay from the end, or from beyond it, is empty and no error', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'end', cwd: service.folder() }
      const { length } = await streamAll(service.base, { ...body, text: words.say('short') })
      for (const since of [length, length + 1, 999_999_999_999_999]) {
        const answer = await events(service, 'end', `?since=${since}`)
        expect(answer).toMatchObject({ status: 200, text: '' })
        expect(answer.headers['content-length']).toBe('0')
      }
    })

    test('a replay in the middle of a run ends with what there is', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'half', cwd: service.folder() }
      const running = await stream(service.base, { ...body, text: words.ask })
      const question = await questionOf(running)
      const half = await replay(service.base, 'half')
      expect(half.at(-1)?.event).toMatchObject({ type: 'tool_permission', permission_id: question })
      await decide(service, 'half', body.cwd, question, { behavior: 'allow' })
      const all = await running.ended
      expect(all.slice(0, half.length)).toEqual(half)
      expect(await replay(service.base, 'half', half.length)).toEqual(all.slice(half.length))
    })

    test('a conversation nobody knows is told with the mark that makes the app start again', async () => {
      await using service = await startTestService({ agent })
      const details = { conversation_id: 'nobody', reset: true }
      expectError(await events(service, 'nobody'), 404, 'conversation_unknown', details)
      expectError(await events(service, 'nobody', '?since=3'), 404, 'conversation_unknown', details)
    })

    test('a service that was restarted replays the same bytes and goes on with the numbers', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'restart', cwd: service.folder() }
      const before = await streamAll(service.base, { ...body, text: words.say('before') })
      await service.restart()
      expect(await replay(service.base, 'restart')).toEqual(before)
      const after = await streamAll(service.base, { ...body, text: words.say('after') }, before.length)
      expect(after[0]).toMatchObject({ id: before.length + 1, event: { type: 'user' } })
      expect(after.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
    })

    test('the health page names the status, the version and the start', async () => {
      await using service = await startTestService({ agent })
      const answer = await call(`${service.base}/healthz`)
      expect(answer.status).toBe(200)
      expect(Object.keys(answer.json ?? {})).toEqual(['status', 'version', 'started_at'])
      expect(answer.json).toEqual({
        status: 'ok',
        version: answer.headers['x-proxy-version'],
        started_at: answer.headers['x-proxy-started-at'],
      })
      expectProxyHeaders(answer.headers)
    })
  })
}
