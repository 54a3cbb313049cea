import { describe, expect, test } from 'vitest'
import { stream, streamAll } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { decide, questionOf, toolResultsOf } from '../calls.ts'
import { expectError, expectWholeRuns } from '../expectations.ts'
import type { Words } from '../words.ts'

/** Asking a person whether a tool may run. */
export function permissionContract(agent: AgentName, words: Words): void {
  describe('permissions', () => {
    test('the request holds what the app needs to ask, and the answer is an event, too', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const running = await stream(service.base, { conversation_id: 'ask', cwd, text: words.ask })
      const id = await questionOf(running)
      const asked = running.received.find(({ event }) => event.type === 'tool_permission')
      expect(id).toMatch(/^[0-9a-f]{32}$/)
      expect(asked?.event).toMatchObject({ tool_name: 'Bash', input: { command: expect.any(String) } })
      expect(asked?.event['permission_suggestions']).toSatisfy(isStrings)
      expect(asked?.event['blocked_path']).toSatisfy((path) => path === null || typeof path === 'string')

      const answer = await decide(service, 'ask', cwd, id, { behavior: 'allow' })
      expect(answer).toMatchObject({ status: 200, json: { ok: true } })
      const all = await running.ended
      expectWholeRuns(all, 1)
      const settled = all.filter(({ event }) => event.type === 'tool_permission_settled')
      expect(settled.map(({ event }) => event)).toMatchObject([
        { permission_id: id, how: 'answered', behavior: 'allow' },
      ])
      expect(toolResultsOf(all)).toMatchObject([{ is_error: false }])
    })

    test('a denied tool does not run, and the agent hears why', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const running = await stream(service.base, { conversation_id: 'deny', cwd, text: words.ask })
      const id = await questionOf(running)
      await decide(service, 'deny', cwd, id, { behavior: 'deny', message: 'Not on a Sunday.' })
      const all = await running.ended
      expectWholeRuns(all, 1)
      expect(toolResultsOf(all)).toEqual([{ is_error: true, content: 'Not on a Sunday.' }])
    })

    test('a denial without words gets the known ones', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const running = await stream(service.base, { conversation_id: 'mute', cwd, text: words.ask })
      await decide(service, 'mute', cwd, await questionOf(running), { behavior: 'deny' })
      expect(toolResultsOf(await running.ended)).toEqual([{ is_error: true, content: 'Permission denied by user.' }])
    })

    test('an answer counts once, and only for the conversation that was asked', async () => {
      await using service = await startTestService({ agent })
      const [cwd, other] = [service.folder(), service.folder()]
      const running = await stream(service.base, { conversation_id: 'once', cwd, text: words.ask })
      const id = await questionOf(running)
      await streamAll(service.base, { conversation_id: 'not-asked', cwd: other, text: words.say('hello') })
      const wrong = [
        await decide(service, 'once', cwd, '0'.repeat(32), { behavior: 'allow' }),
        await decide(service, 'not-asked', other, id, { behavior: 'allow' }),
        await decide(service, 'nobody', cwd, id, { behavior: 'allow' }),
      ]
      for (const answer of wrong) expectError(answer, 404, 'permission_not_found')
      expect((await decide(service, 'once', cwd, id, { behavior: 'deny' })).status).toBe(200)
      expectError(await decide(service, 'once', cwd, id, { behavior: 'allow' }), 404, 'permission_not_found')
      const all = await running.ended
      expectError(await decide(service, 'once', cwd, id, { behavior: 'allow' }), 404, 'permission_not_found')
      expect(toolResultsOf(all)).toMatchObject([{ is_error: true }])
    })

    test('C6: an alias of the conversation may answer', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      await streamAll(service.base, { conversation_id: 'main', cwd, text: words.say('hello') })
      await streamAll(service.base, { conversation_id: 'alias', cwd, text: words.say('hello') })
      const running = await stream(service.base, { conversation_id: 'main', cwd, text: words.ask })
      const answer = await decide(service, 'alias', cwd, await questionOf(running), { behavior: 'allow' })
      expect(answer).toMatchObject({ status: 200, json: { ok: true } })
      expect((await running.ended).at(-1)?.event).toMatchObject({ is_error: false })
    })

    test('D1: a list of all tools next to tool_approvals approves nothing', async () => {
      await using service = await startTestService({ agent })
      const cwd = service.folder()
      const lists = {
        allowed_tools: ['Bash', 'Read', 'Write', 'bash', '*'],
        tool_approvals: { allow: ['read'], deny: [] },
      }
      const running = await stream(service.base, { conversation_id: 'd1', cwd, text: words.ask, ...lists })
      await decide(service, 'd1', cwd, await questionOf(running), { behavior: 'deny' })
      expect(toolResultsOf(await running.ended)).toMatchObject([{ is_error: true }])
    })

    test.each([
      { allow: '*', deny: '*' },
      { allow: 'Bash', deny: 'bash' },
    ])('D1: $deny on the deny list has its effect although allowed_tools names the tool', async ({ allow, deny }) => {
      await using service = await startTestService({ agent })
      const rules = { allowed_tools: ['Bash'], tool_approvals: { allow: [allow], deny: [deny] } }
      const body = { conversation_id: 'd1', cwd: service.folder(), text: words.ask, ...rules }
      const all = await streamAll(service.base, body)
      expect(all.filter(({ event }) => event.type === 'tool_permission')).toEqual([])
      expect(toolResultsOf(all)).toMatchObject([{ is_error: true }])
      expectWholeRuns(all, 1)
    })

    test('without tool_approvals the tools in allowed_tools run unasked', async () => {
      await using service = await startTestService({ agent })
      const body = { conversation_id: 'unasked', cwd: service.folder(), text: words.ask, allowed_tools: ['Bash'] }
      const all = await streamAll(service.base, body)
      expect(all.filter(({ event }) => event.type === 'tool_permission')).toEqual([])
      expect(toolResultsOf(all)).toMatchObject([{ is_error: false }])
    })

    test('what is on the allow list runs unasked', async () => {
      await using service = await startTestService({ agent })
      const rules = { allowed_tools: [], tool_approvals: { allow: [' BASH '], deny: [] } }
      const all = await streamAll(service.base, {
        conversation_id: 'listed',
        cwd: service.folder(),
        text: words.ask,
        ...rules,
      })
      expect(all.filter(({ event }) => event.type === 'tool_permission')).toEqual([])
      expect(toolResultsOf(all)).toMatchObject([{ is_error: false }])
    })
  })
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
