import { expect, test } from 'vitest'
import { startTestService } from '../../server/test/support/service.ts'
import { createClient, isEvent } from '../src/index.ts'
import { createEnd } from '../src/run.ts'
import { eventsOf, readTo } from './following.ts'

test('a prompt in a folder gives its text and its result', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const run = await client.run('Hello.', { cwd: service.folder() })
  expect(run.id).toMatch(/^[0-9a-f]{32}$/)
  expect(await run.text).toBe('The script has ended.')
  expect(await run.result).toMatchObject({ type: 'result', is_error: false })
  const items = await readTo(run.events, () => false)
  expect(eventsOf(items)[0]?.event).toMatchObject({ type: 'user', message: { content: [{ text: 'Hello.' }] } })
  expect(eventsOf(items).at(-1)?.event).toEqual(await run.result)
})

test('a second prompt has a result of its own, and is told nothing of the first', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const first = await client.run('One.', { cwd: service.folder() })
  const { timestamp } = await first.result
  const second = await client.run('Two.', { conversation: first.conversation })
  expect(second.outcome).toBe('begun')
  expect((await second.result).timestamp).not.toBe(timestamp)
  const told = eventsOf(await readTo(second.events, () => false))
  expect(JSON.stringify(told)).toContain('Two.')
  expect(JSON.stringify(told)).not.toContain('One.')
})

test('what waits for others ends with its own result', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const first = await client.run('@load n=20 rate=40', { cwd: service.folder() })
  const second = await client.run('Second.', { conversation: first.conversation })
  expect(second.outcome).toBe('queued')
  const items = await readTo(second.events, () => false)
  const kinds = eventsOf(items).map(({ event }) => event['subtype'])
  expect(kinds.filter((kind) => kind === 'success')).toHaveLength(2)
  expect(eventsOf(items).at(-1)?.event).toEqual(await second.result)
  expect(await first.result).not.toEqual(await second.result)
})

test('what it asks is answered, and the run goes on', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base, userAgent: 'test' })
  const run = await client.run('@ask tool=Bash\n@ask tool=Write', { cwd: service.folder() })
  let asked = 0
  for await (const item of run.events) {
    if (item.kind !== 'event' || !isEvent(item.event, 'tool_permission')) continue
    await (asked++ === 0 ? run.approve(item.event.permission_id) : run.deny(item.event.permission_id, 'Not that.'))
  }
  const { approvals } = await client.approvals({ state: 'all', conversation_id: run.conversation })
  expect(approvals.map(({ state, settled_by: by }) => [state, by])).toEqual([
    ['allowed', 'test'],
    ['denied', 'test'],
  ])
})

test('a run that is interrupted fails with what it was', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const run = await client.run('@hang', { cwd: service.folder() })
  const text = run.text.catch((error: unknown) => error)
  await run.interrupt()
  expect(await text).toMatchObject({ code: 'run_failed', details: { subtype: 'interrupted' } })
  expect(await run.result).toMatchObject({ subtype: 'interrupted' })
})

test('a prompt that is taken back says so', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const first = await client.run('@hang', { cwd: service.folder() })
  const second = await client.run('Second.', { conversation: first.conversation })
  const result = second.result.catch((error: unknown) => error)
  await client.cancelPrompt(second.id)
  expect(await result).toMatchObject({ code: 'prompt_cancelled' })
})

test('who stops waiting gets the own reason', async () => {
  await using service = await startTestService()
  const client = createClient({ baseUrl: service.base })
  const stop = new AbortController()
  const run = await client.run('@hang', { cwd: service.folder(), signal: stop.signal })
  const result = run.result.catch((error: unknown) => error)
  stop.abort(new Error('Enough.'))
  expect(await result).toMatchObject({ message: 'Enough.' })
})

const result = { type: 'result' }
const prompt = (more: object) => ({ type: 'user', prompt_id: 'p', ...more })
const told = (subtype: string) => ({ type: 'system', subtype, prompt_id: 'p' })

test.each([
  ['begun', [result], 0],
  ['repeated', [told('prompt_queued'), result, prompt({}), result], 3],
  ['queued', [told('prompt_queued'), { ...told('prompt_queued'), prompt_id: 'q' }, result, prompt({}), result], 4],
  ['steering', [prompt({ steer: true }), told('prompt_steered'), result], 2],
  ['steering', [prompt({ steer: true }), told('prompt_queued'), result, prompt({}), result], 4],
  ['queued', [told('prompt_queued'), prompt({ steer: true }), result, told('prompt_queued'), prompt({}), result], 5],
] as const)('%s: the end is found behind those of others (%#)', (outcome, events, end) => {
  const isEnd = createEnd({ run_id: 'p', outcome })
  expect(events.findIndex((event) => isEnd(event))).toBe(end)
})
