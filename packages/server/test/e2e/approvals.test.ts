import { expect, it } from 'vitest'
import { call } from '../support/client.ts'
import { prompt, transcript } from './conversation.ts'
import { newWorld, PATIENCE, type Program, startProgram } from './program.ts'

async function approvals(program: Program, query = ''): Promise<Record<string, unknown>[]> {
  const { json } = await call(`${program.base}/v1/approvals${query}`)
  return (json?.['approvals'] ?? []) as Record<string, unknown>[]
}

function answer(program: Program, id: unknown, behavior: 'allow' | 'deny') {
  return call(`${program.base}/v1/approvals/${String(id)}`, { method: 'POST', body: { behavior } })
}

it('kill -9 while several calls wait: they wait on, and what was answered reaches the agent', async () => {
  const world = await newWorld({ model: true })
  const conversation = { id: 'waits', cwd: world.folder('waits') }
  const files = ['a', 'b', 'c'].map((name) => `${world.folder('outside')}/${name}`)
  const text = files.map((file_path, n) => `${n > 0 ? '& ' : ''}@tool Read ${JSON.stringify({ file_path })}`).join('\n')
  const first = await startProgram(world)
  const live = await prompt(first, conversation, text)
  await expect.poll(async () => (await approvals(first)).length, PATIENCE).toBe(3)
  const ids = (await approvals(first)).map((each) => each['approval_id'])
  expect(await answer(first, ids[0], 'deny')).toMatchObject({ status: 200 })
  await first.kill()
  await live.ended.catch(() => {})

  const second = await startProgram(world)
  const closed = await transcript(second, conversation, 1)
  expect(closed.at(-1)?.event).toMatchObject({ subtype: 'service_stopped' })
  expect((await approvals(second)).map((each) => each['approval_id'])).toEqual(ids.slice(1))
  await answer(second, ids[1], 'deny')
  await second.kill()

  const third = await startProgram(world)
  await expect.poll(async () => (await approvals(third)).length, PATIENCE).toBe(1)
  expect(await answer(third, ids[1], 'allow')).toMatchObject({ status: 409, json: { error: 'already_resolved' } })
  expect(await answer(third, ids[2], 'allow')).toMatchObject({ status: 200 })
  const whole = await transcript(third, conversation, 2)
  const events = whole.map(({ event }) => event)
  const told = events.find(({ subtype }) => subtype === 'run_continued')
  expect(told).toMatchObject({ permission_ids: expect.arrayContaining(ids.slice(1)) })
  expect(String(told?.['content'])).toMatch(/b"}: denied.*c"}: allowed/s)
  expect(events.filter(({ type }) => type === 'tool_permission')).toHaveLength(3)
  expect(events.filter(({ type }) => type === 'tool_permission_settled')).toHaveLength(3)
  expect(events.at(-1)).toMatchObject({ type: 'result', is_error: false })
})

it('kill -9 between the last answer and the run that would tell it: the next start tells it', async () => {
  const world = await newWorld()
  const conversation = { id: 'told', cwd: world.folder('told') }
  const first = await startProgram(world, ['--agent', 'scripted'])
  const live = await prompt(first, conversation, '@ask tool=Odd')
  await live.until(({ event }) => event.type === 'tool_permission')
  await first.kill()
  const second = await startProgram(world, ['--agent', 'scripted'])
  await transcript(second, conversation, 1)
  const [waiting] = await approvals(second)
  const answered = answer(second, waiting?.['approval_id'], 'allow').catch(() => undefined)
  await second.kill()
  const isHeard = (await answered)?.status === 200

  const third = await startProgram(world, ['--agent', 'scripted'])
  if (!isHeard) {
    const [left] = await approvals(third)
    if (left) await answer(third, left['approval_id'], 'allow')
  }
  const whole = await transcript(third, conversation, 2)
  expect(whole.filter(({ event }) => event.subtype === 'run_continued')).toHaveLength(1)
  expect(whole.filter(({ event }) => event.type === 'tool_permission_settled')).toHaveLength(1)
})
