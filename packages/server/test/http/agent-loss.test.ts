import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { signalAll } from '../../src/agents/claude/process-tree.ts'
import { agentProcesses } from '../support/agent-processes.ts'
import { replay, stream, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { questionOf, resultsOf, textsOf } from './calls.ts'
import { expectWholeRuns } from './expectations.ts'

/** The agent dies, forgets, or says more than one breath: the run still ends once. */

test('B9: an agent that throws ends its run with one error result', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'thrown', cwd: service.folder() }
  const received = await streamAll(service.base, { ...body, text: '@load n=3 rate=0 @die' })
  expectWholeRuns(received, 1)
  expect(received.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/\w+ \w+/) })
  const next = await streamAll(service.base, { ...body, text: 'again' }, received.length)
  expect(next.at(-1)?.event).toMatchObject({ is_error: false })
})

test.each([
  ['while it waits for the model', '@hang'],
  ['while a command runs', '@bash tail -f /dev/null'],
  ['while it asks for permission', '@bash touch never.txt'],
])('B9: a Claude Code that is killed %s ends its run with one error result', async (_, text) => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'killed', cwd: service.folder() }
  const rules = text.includes('tail') ? { allowed_tools: ['Bash'] } : {}
  const running = await stream(service.base, { ...body, text, ...rules })
  if (text === '@hang') await running.until(({ event }) => event.subtype === 'init')
  else if (text.includes('tail')) await running.until(({ data }) => data.includes('"tool_use"'))
  else await questionOf(running)
  const [agent, ...others] = agentProcesses(service)
  expect(others).toEqual([])
  if (!agent) throw new Error('the service knows no agent process')
  await signalAll([agent], 'SIGKILL')
  const received = await running.ended
  expectWholeRuns(received, 1)
  expect(received.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/\w+ \w+/) })
  const settled = received.filter(({ event }) => event.type === 'tool_permission_settled')
  expect(settled).toHaveLength(received.filter(({ event }) => event.type === 'tool_permission').length)

  const next = await streamAll(service.base, { ...body, text: '@say I am back.' }, received.length)
  expectWholeRuns(next, 1, received.length + 1)
  expect(textsOf(next).join()).toContain('I am back.')
})

test('B11: a session that the agent has lost is followed by a fresh one, and the reader is told', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'lost', cwd: service.folder() }
  const first = await streamAll(service.base, { ...body, text: 'My number is 4711.' })
  const session = first.at(-1)?.event['session_id']
  await service.pause(async () => rmSync(join(service.home, '.claude/projects'), { recursive: true }))

  const second = await streamAll(service.base, { ...body, text: '@recall' }, first.length)
  expectWholeRuns(second, 1, first.length + 1)
  const lost = second.filter(({ event }) => event.subtype === 'session_lost')
  expect(lost.map(({ event }) => event)).toMatchObject([
    { type: 'system', lost_session_id: session, content: expect.any(String) },
  ])
  expect(second.at(-1)?.event).toMatchObject({ is_error: false })
  expect(second.at(-1)?.event['session_id']).not.toBe(session)
  expect(textsOf(second).join()).toContain('You said nothing earlier.')

  // The fresh one is the conversation's from now on.
  const third = await streamAll(service.base, { ...body, text: '@recall' }, first.length + second.length)
  expect(third.some(({ event }) => event.subtype === 'session_lost')).toBe(false)
  expect(textsOf(third).join()).toContain('(1) @recall')
  expect(resultsOf(await replay(service.base, 'lost'))).toHaveLength(3)
})

test('B12: a message of three megabytes is one event, and the run goes on', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'big', cwd: service.folder(), text: '@text 3000000\n@bash echo done' }
  const received = await streamAll(service.base, body)
  expectWholeRuns(received, 1)
  expect(received.at(-1)?.event).toMatchObject({ is_error: false })
  expect(textsOf(received)[0]?.length).toBe(3_000_000)
  expect(received.some(({ data }) => data.includes('"tool_result"'))).toBe(true)
})

test('B4: a run that a restart cuts off is closed, whoever asks sees its end, and the folder is free', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'cut', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@bash tail -f /dev/null', allowed_tools: ['Bash'] })
  await running.until(({ data }) => data.includes('"tool_use"'))
  running.cut()
  await service.restart()
  const all = await replay(service.base, 'cut')
  expectWholeRuns(all, 1)
  expect(all.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/service.*stopped/i) })
  // The app attaches with its cursor and gets the rest.
  const at = running.received.at(-1)?.id ?? 0
  expect(await streamAll(service.base, body, at)).toEqual(all.slice(at))
  const next = await streamAll(service.base, { ...body, text: '@say I am back.' }, all.length)
  expect(next.at(-1)?.event).toMatchObject({ is_error: false })
})
