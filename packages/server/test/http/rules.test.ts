import { afterAll, beforeAll, expect, test } from 'vitest'
import { stream, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { decide, questionOf, toolResultsOf } from './calls.ts'
import { expectWholeRuns } from './expectations.ts'

let service: TestService

beforeAll(async () => {
  service = await startTestService({ config: { permissionSeconds: 0.05 } })
})

afterAll(() => service[Symbol.asyncDispose]())

/** What the lists of a client come to: runs it, refuses it, or asks (and nobody answers). */
async function outcome(tool: string, lists: object): Promise<'allowed' | 'denied' | 'asked'> {
  const folder = service.folder()
  const body = { conversation_id: folder.split('/').at(-1), cwd: folder, text: `@ask tool=${tool}`, ...lists }
  const received = await streamAll(service.base, body)
  expectWholeRuns(received, 1)
  if (received.some(({ event }) => event.type === 'tool_permission')) return 'asked'
  return toolResultsOf(received)[0]?.is_error === true ? 'denied' : 'allowed'
}

test.each([
  // deny * > allow * > deny list > allow list > ask
  { allow: ['*'], deny: ['*'], tool: 'Bash', is: 'denied' },
  { allow: ['bash', '*'], deny: ['read', '*'], tool: 'Bash', is: 'denied' },
  { allow: [], deny: ['*'], tool: 'Read', is: 'denied' },
  { allow: ['*'], deny: ['bash'], tool: 'Bash', is: 'allowed' },
  { allow: ['*'], deny: [], tool: 'mcp__server__tool', is: 'allowed' },
  { allow: ['bash'], deny: ['bash'], tool: 'Bash', is: 'denied' },
  { allow: ['bash'], deny: [], tool: 'Bash', is: 'allowed' },
  { allow: ['read'], deny: ['write'], tool: 'Bash', is: 'asked' },
  { allow: [], deny: [], tool: 'Bash', is: 'asked' },
  // Names are compared without case and blanks around them, and whole.
  { allow: [' bASH\t'], deny: [], tool: 'Bash', is: 'allowed' },
  { allow: [], deny: ['\nBASH '], tool: 'bash', is: 'denied' },
  { allow: [' * '], deny: [], tool: 'Bash', is: 'allowed' },
  { allow: ['bas', 'bashx', 'ba*', ''], deny: [], tool: 'Bash', is: 'asked' },
  { allow: ['mcp__server__tool'], deny: [], tool: 'mcp__server__tool', is: 'allowed' },
  { allow: ['mcp__server__tool'], deny: [], tool: 'mcp__server__other', is: 'asked' },
])('allow $allow and deny $deny: $tool is $is', async ({ allow, deny, tool, is }) => {
  // The app always sends all tools as allowed_tools besides: D1.
  const lists = { tool_approvals: { allow, deny }, allowed_tools: ['Bash', 'Read', 'mcp__server__other'] }
  expect(await outcome(tool, lists)).toBe(is)
})

test.each([
  { lists: { tool_approvals: { allow: ['bash'] } }, is: 'allowed' },
  { lists: { tool_approvals: { deny: ['bash'] } }, is: 'denied' },
  { lists: { tool_approvals: {} }, is: 'asked' },
  { lists: { tool_approvals: {}, allowed_tools: ['Bash'] }, is: 'asked' },
  { lists: { tool_approvals: null, allowed_tools: ['Bash'] }, is: 'allowed' },
  { lists: { allowed_tools: ['bash '] }, is: 'allowed' },
  { lists: { allowed_tools: ['Read'] }, is: 'asked' },
  { lists: { allowed_tools: ['Bash(true)'] }, is: 'allowed' },
  { lists: { allowed_tools: ['Bash(false)'] }, is: 'asked' },
  { lists: { allowed_tools: [] }, is: 'asked' },
  { lists: {}, is: 'asked' },
])('with $lists Bash is $is', async ({ lists, is }) => {
  expect(await outcome('Bash', lists)).toBe(is)
})

test('the lists are those of the request that began the run: joining it changes nothing', async () => {
  await using patient = await startTestService()
  const body = { conversation_id: 'lists', cwd: patient.folder(), text: '@ask tool=Bash @ask tool=Read' }
  const first = await stream(patient.base, { ...body, tool_approvals: { allow: ['read'], deny: [] } })
  const question = await questionOf(first)
  const joined = await stream(patient.base, { ...body, tool_approvals: { allow: ['*'], deny: ['read'] } })
  await decide(patient, 'lists', body.cwd, question, { behavior: 'allow' })
  expect(toolResultsOf(await first.ended)).toMatchObject([{ is_error: false }, { is_error: false }])
  expect(await joined.ended).toEqual(await first.ended)
})

test('D4: a question that nobody answers expires, is denied, and an event says so', async () => {
  const body = { conversation_id: 'expired', cwd: service.folder('expired'), text: '@ask' }
  const received = await streamAll(service.base, body)
  const types = received.map(({ event }) => event.type)
  expect(types.indexOf('tool_permission_settled')).toBeGreaterThan(types.indexOf('tool_permission'))
  const asked = received.find(({ event }) => event.type === 'tool_permission')
  expect(received.find(({ event }) => event.type === 'tool_permission_settled')?.event).toMatchObject({
    permission_id: asked?.event['permission_id'],
    how: 'expired',
    behavior: 'deny',
    message: expect.stringMatching(/\w/),
  })
  const late = await decide(service, 'expired', body.cwd, String(asked?.event['permission_id']), { behavior: 'allow' })
  expect(late).toMatchObject({ status: 404, json: { error: 'permission_not_found' } })
})

test('D3: suggestions are JSON that can be read, for the real agent', async () => {
  await using real = await startTestService({ agent: 'claude' })
  const cwd = real.folder()
  const running = await stream(real.base, { conversation_id: 'd3', cwd, text: '@bash touch never.txt' })
  const id = await questionOf(running)
  const asked = running.received.find(({ event }) => event.type === 'tool_permission')
  const suggestions = asked?.event['permission_suggestions'] as string[]
  expect(suggestions.length).toBeGreaterThan(0)
  for (const suggestion of suggestions) expect(JSON.parse(suggestion)).toMatchObject({ type: expect.any(String) })
  expect(asked?.event['input']).toMatchObject({ command: 'touch never.txt' })
  await decide(real, 'd3', cwd, id, { behavior: 'deny' })
  await running.ended
})
