import { describe, expect, test } from 'vitest'
import { stream, streamAll } from '../../support/client.ts'
import { rawPost, sendRaw } from '../../support/raw.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { decide, postStream, questionOf, resultsOf, textsOf } from '../calls.ts'
import { expectError, expectProxyHeaders, expectWholeRuns } from '../expectations.ts'
import type { Words } from '../words.ts'

/** Starting runs, attaching to them, coming back to them. */
export function runContract(agent: AgentName, words: Words): void {
  describe('runs', () => {
    test('a run is numbered from 1, begins with its prompt and ends with its only result', async () => {
      await using service = await startTestService({ agent })
      const text = words.say('all is well')
      const received = await streamAll(service.base, { conversation_id: 'one', cwd: service.folder(), text })
      expectWholeRuns(received, 1)
      expect(received[0]?.event).toMatchObject({
        type: 'user',
        message: { role: 'user', content: [{ type: 'text', text }] },
      })
      expect(received[1]?.event).toMatchObject({ type: 'system', subtype: 'init' })
      expect(received[1]?.event).toMatchObject({ session_id: expect.any(String), tools: expect.any(Array) })
      expect(textsOf(received).join()).toContain('all is well')
      expect(received.at(-1)?.event).toMatchObject({
        subtype: 'success',
        is_error: false,
        result: expect.any(String),
        session_id: expect.any(String),
        duration_ms: expect.any(Number),
      })
      expect(service.complaints).toEqual([])
    })

    test('the service closes the connection after the last event, although the client asked to keep it', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'closing', cwd: service.folder(), text: words.say('bye') }
      const answer = await sendRaw(service.base, rawPost('/v1/agent/stream', JSON.stringify(body)))
      expect(answer.status).toBe(200)
      expect(answer.headers).toMatchObject({
        connection: 'close',
        'content-type': expect.stringMatching(/^text\/event-stream/),
      })
      expect(answer.body.toString()).toMatch(/"type":"result".*\n\n$/)
    })

    test('a stream says where it stands when it begins', async () => {
      await using service = await startTestService({ agent })
      const running = await stream(service.base, { conversation_id: 'h', cwd: service.folder(), text: words.say('a') })
      expectProxyHeaders(running.headers)
      expect(running.headers['x-proxy-last-event-id']).toMatch(/^\d+$/)
      expect(running.headers['cache-control']).toContain('no-cache')
      await running.ended
    })

    test('the next prompt goes on with the numbers; without a cursor the history comes first', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'two', cwd: service.folder() }
      const first = await streamAll(service.base, { ...body, text: words.say('one') })
      const second = await streamAll(service.base, { ...body, text: words.say('two') })
      expectWholeRuns(second, 2)
      expect(second.slice(0, first.length)).toEqual(first)
      expect(second[first.length]?.event).toMatchObject({ type: 'user' })
    })

    test('the next prompt with a cursor brings what follows it and nothing again', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'cursor', cwd: service.folder() }
      const head = (await streamAll(service.base, { ...body, text: words.say('one') })).length
      const middle = await streamAll(service.base, { ...body, text: words.say('two') }, head - 1)
      expect(middle[0]).toMatchObject({ id: head, event: { type: 'result' } })
      const next = head + middle.length - 1
      expectWholeRuns(await streamAll(service.base, { ...body, text: words.say('three') }, next), 1, next + 1)
    })

    test('attaching without text while it runs brings the backlog, then what follows, then the end', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'attach', cwd: service.folder() }
      const first = await stream(service.base, { ...body, text: words.ask })
      const question = await questionOf(first)
      const second = await stream(service.base, body)
      expect(await questionOf(second)).toBe(question)
      const blank = await stream(service.base, { ...body, text: '  ' }, 1)
      await decide(service, 'attach', body.cwd, question, { behavior: 'allow' })
      const all = await first.ended
      expectWholeRuns(all, 1)
      expect(await second.ended).toEqual(all)
      expect(await blank.ended).toEqual(all.slice(1))
    })

    test('the same text again joins its run instead of starting another', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'join', cwd: service.folder(), text: words.ask }
      const first = await stream(service.base, body)
      const question = await questionOf(first)
      const second = await stream(service.base, { ...body, text: ` ${words.ask}\n` }, 2)
      await decide(service, 'join', body.cwd, question, { behavior: 'allow' })
      const all = await first.ended
      expectWholeRuns(all, 1)
      expect(await second.ended).toEqual(all.slice(2))
    })

    test('a reader that comes back with its last id gets the next event and no repeats', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'resume', cwd: service.folder() }
      const first = await stream(service.base, { ...body, text: words.ask })
      const question = await questionOf(first)
      first.cut()
      const last = first.received.at(-1)?.id ?? 0
      const second = await stream(service.base, body, last)
      await decide(service, 'resume', body.cwd, question, { behavior: 'allow' })
      const rest = await second.ended
      expect([...first.received, ...rest].map(({ id }) => id)).toEqual(
        Array.from({ length: last + rest.length }, (_, n) => n + 1),
      )
      expectWholeRuns([...first.received, ...rest], 1)
    })

    test('a run goes on when its client goes away', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'away', cwd: service.folder() }
      const first = await stream(service.base, { ...body, text: words.ask })
      const question = await questionOf(first)
      first.cut()
      expect((await decide(service, 'away', body.cwd, question, { behavior: 'allow' })).status).toBe(200)
      const back = await streamAll(service.base, body, first.received.at(-1)?.id)
      expect(back.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
    })

    test('attaching at rest with a cursor below the head brings the tail', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'tail', cwd: service.folder() }
      const all = await streamAll(service.base, { ...body, text: words.say('done') })
      expect(await streamAll(service.base, body, 2)).toEqual(all.slice(2))
      expect(await streamAll(service.base, body, 0)).toEqual(all)
    })

    test('attaching at rest with nothing to bring is refused in the known words', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'rest', cwd: service.folder() }
      const { length: head } = await streamAll(service.base, { ...body, text: words.say('done') })
      for (const cursor of [undefined, head, head + 1000]) {
        const headers = cursor === undefined ? {} : { 'last-event-id': String(cursor) }
        const answer = await postStream(service, body, headers)
        expectError(answer, 400, 'bad_request', { message: 'text required to start a new run.' })
        expect(answer.headers.connection).toBe('close')
      }
      expectError(await postStream(service, { conversation_id: 'new', cwd: service.folder() }), 400, 'bad_request')
    })

    test('a run that fails ends with one error result that holds a sentence', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'failing', cwd: service.folder() }
      const failed = await streamAll(service.base, { ...body, text: words.fail })
      expectWholeRuns(failed, 1)
      expect(failed.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/\w+ \w+/) })
      const next = await streamAll(service.base, { ...body, text: words.say('again') }, failed.length)
      expect(next.at(-1)?.event).toMatchObject({ is_error: false })
    })

    test('two conversations work in two folders at the same time', async () => {
      await using service = await startTestService({ agent })
      const bodies = ['left', 'right'].map((id) => ({ conversation_id: id, cwd: service.folder(), text: words.ask }))
      const streams = await Promise.all(bodies.map((body) => stream(service.base, body)))
      // Both wait for an answer: neither could have waited for the other.
      const questions = await Promise.all(streams.map(questionOf))
      for (const [n, { conversation_id, cwd }] of bodies.entries())
        await decide(service, conversation_id, cwd, questions[n] ?? '', { behavior: 'allow' })
      for (const one of streams) {
        const received = await one.ended
        expectWholeRuns(received, 1)
        expect(resultsOf(received)[0]?.event).toMatchObject({ is_error: false })
      }
    })

    test('prompt and session_id are synonyms, and fields nobody knows are ignored', async () => {
      await using service = await startTestService({ agent })
      const body = { session_id: 'synonym', prompt: words.say('hello'), cwd: service.folder() }
      const received = await streamAll(service.base, { ...body, agent_id: 'A-1', nobody: { knows: ['this'] } })
      expectWholeRuns(received, 1)
      expect(await streamAll(service.base, { conversation_id: 'synonym', cwd: body.cwd }, 1)).toEqual(received.slice(1))
    })
  })
}
