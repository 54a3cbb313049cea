import { describe, expect, test } from 'vitest'
import { replay, streamAll } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { activate, canonical, events, postStream, textsOf } from '../calls.ts'
import { expectError, expectWholeRuns } from '../expectations.ts'
import type { Words } from '../words.ts'

/** Which conversation a name stands for. */
export function identityContract(agent: AgentName, words: Words): void {
  describe('identity', () => {
    test('a second id for a folder shares the conversation of the first', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const first = await streamAll(service.base, { conversation_id: 'first', cwd, text: words.say('one') })
      const second = await streamAll(service.base, { conversation_id: 'second', cwd, text: words.say('two') })
      expectWholeRuns(second, 2)
      expect(second.slice(0, first.length)).toEqual(first)
      expect(await replay(service.base, 'first')).toEqual(second)
      expect(await replay(service.base, 'second')).toEqual(second)
      expect((await canonical(service, cwd)).json).toEqual({ canonical_id: 'first', cwd, created: false })
    })

    test('an id that is not known yet reads the conversation of the folder it names', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const all = await streamAll(service.base, { conversation_id: 'known', cwd, text: words.say('hello') })
      const query = `?cwd=${encodeURIComponent(cwd)}`
      const answer = await events(service, 'guest', query)
      expect(answer.text).toBe(all.map(({ data }) => `${data}\n`).join(''))
      // Reading made nothing of it.
      expectError(await events(service, 'guest'), 404, 'conversation_unknown')
    })

    test('a cursor under another id is answered with one line that names the right id', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const all = await streamAll(service.base, { conversation_id: 'right', cwd, text: words.say('hello') })
      const answer = await events(service, 'wrong', `?since=2&cwd=${encodeURIComponent(cwd)}`)
      expect(answer.status).toBe(200)
      expect(answer.text).toMatch(/^[^\n]+\n$/)
      expect(answer.json).toEqual({
        type: 'proxy_session',
        event: 'switched',
        canonical_id: 'right',
        previous_id: 'wrong',
        cwd,
      })
      expect(answer.headers['x-proxy-reset']).toBe('true')
      expect(await replay(service.base, 'right')).toEqual(all)
      expect((await events(service, 'right', '?since=1')).headers['x-proxy-reset']).toBeUndefined()
    })

    test('a folder gets its conversation at the first question and keeps it', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const first = await canonical(service, cwd)
      expect(first).toMatchObject({ status: 200, json: { cwd, created: true } })
      const id = String(first.json?.['canonical_id'])
      expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
      for (let n = 0; n < 3; n++)
        expect((await canonical(service, cwd)).json).toEqual({ canonical_id: id, cwd, created: false })
      expect(await replay(service.base, id)).toEqual([])
      expectWholeRuns(await streamAll(service.base, { conversation_id: id, cwd, text: words.say('hello') }), 1)
    })

    test('many first questions at once make one conversation', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const answers = await Promise.all(Array.from({ length: 20 }, () => canonical(service, cwd)))
      expect(new Set(answers.map(({ json }) => json?.['canonical_id'])).size).toBe(1)
      expect(answers.filter(({ json }) => json?.['created'] === true)).toHaveLength(1)
    })

    test('activating a new id clears the chat, activating the old one brings it back', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const old = await streamAll(service.base, { conversation_id: 'old', cwd, text: words.say('once') })
      const fresh = '6F9619FF-8B86-D011-B42D-00CF4FC964FF'
      expect((await activate(service, fresh, cwd)).json).toEqual({
        conversation_id: fresh,
        canonical_id: fresh,
        previous_id: 'old',
      })
      expect((await canonical(service, cwd)).json).toMatchObject({ canonical_id: fresh, created: false })
      const now = await streamAll(service.base, { conversation_id: fresh, cwd, text: words.say('now') })
      expectWholeRuns(now, 1)
      expect(textsOf(now).join()).not.toContain('once')

      expect((await activate(service, 'old', cwd)).json).toMatchObject({ canonical_id: 'old', previous_id: fresh })
      expect(await replay(service.base, 'old')).toEqual(old)
      expect((await activate(service, 'old', cwd)).json).toMatchObject({ canonical_id: 'old', previous_id: 'old' })
    })

    test('activate in a folder without a conversation makes one', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      expect((await activate(service, 'born', cwd)).json).toEqual({
        conversation_id: 'born',
        canonical_id: 'born',
        previous_id: null,
      })
      expect((await canonical(service, cwd)).json).toEqual({ canonical_id: 'born', cwd, created: false })
    })

    test('C1: an activated conversation is still the one after a restart', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      await streamAll(service.base, { conversation_id: 'a', cwd, text: words.say('in a') })
      await activate(service, 'b', cwd)
      await streamAll(service.base, { conversation_id: 'b', cwd, text: words.say('in b') })
      await activate(service, 'a', cwd)
      await service.restart()
      expect((await canonical(service, cwd)).json).toEqual({ canonical_id: 'a', cwd, created: false })
    })

    test('a conversation stays in its folder: another one is refused with both paths', async () => {
      await using service = await startTestService({ agent })
      const [home, away] = [service.folder(), service.folder()]
      const all = await streamAll(service.base, { conversation_id: 'bound', cwd: home, text: words.say('here') })
      const details = { expected_cwd: home, got_cwd: away, conversation_id: 'bound' }
      const body = { conversation_id: 'bound', cwd: away }
      for (const text of [words.say('there'), undefined])
        expectError(await postStream(service, { ...body, text }), 409, 'conversation_cwd_mismatch', details)
      expectError(await activate(service, 'bound', away), 409, 'conversation_cwd_mismatch', details)
      const elsewhere = await events(service, 'bound', `?cwd=${encodeURIComponent(away)}`)
      expectError(elsewhere, 404, 'conversation_unknown', { conversation_id: 'bound', reset: true })
      expect(await replay(service.base, 'bound')).toEqual(all)
      expect((await canonical(service, away)).json).toMatchObject({ created: true })
    })
  })
}
