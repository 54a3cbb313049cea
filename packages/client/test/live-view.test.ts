import { expect, test } from 'vitest'
import { startTestService } from '../../server/test/support/service.ts'
import { createClient, isEvent } from '../src/index.ts'
import { emptyView, type Entry, type ToolCall, view } from '../src/view/index.ts'
import { startDoor } from './door.ts'
import { readTo, resultOf, wakeSoon } from './following.ts'

const callsIn = (entries: Iterable<Entry> = []) =>
  [...entries].filter((entry): entry is ToolCall => entry.kind === 'call')

test('the real Claude Code, watched live over a connection that breaks, is what a replay of it is', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const door = await startDoor(service)
  const client = createClient({ baseUrl: door.base, onWake: wakeSoon })
  const task = {
    description: 'look',
    prompt: '@bash echo one\n@end Seen.',
    subagent_type: 'general-purpose',
    run_in_background: false,
  }
  const script = [
    '@slow 30',
    '@think A thought that is longer than one piece, so that it has a middle.',
    '@bash echo done',
    '@bash touch asked.txt',
    `@tool Agent ${JSON.stringify(task)}`,
    '@end That was all of it, and it took a while to say so.',
  ].join('\n')
  const run = await client.run(script, {
    cwd: service.folder(),
    allowed_tools: ['Agent', 'Bash(echo:*)'],
    partials: true,
  })

  let live = emptyView
  let drafts = 0
  let isAsked = false
  for await (const item of run.events) {
    live = view(live, item)
    if (live.drafts.texts.size > 0 && ++drafts === 3) door.cut()
    if (live.state === 'waiting') isAsked = true
    if (item.kind === 'event' && isEvent(item.event, 'tool_permission')) {
      door.cut()
      await run.deny(item.event.permission_id, 'Not here.')
    }
  }
  const replayed = (await readTo(client.follow(run.conversation), resultOf())).reduce(view, emptyView)

  expect(live).toEqual(replayed)
  expect(drafts).toBeGreaterThan(3)
  expect(isAsked).toBe(true)
  const [done, denied, agent] = callsIn(live.entries)
  expect(done).toMatchObject({ tool: 'Bash', state: 'done', result: 'done', durationMs: expect.any(Number) })
  expect(denied).toMatchObject({ tool: 'Bash', state: 'failed' })
  expect(agent).toMatchObject({ tool: 'Agent', state: 'done' })
  expect(callsIn(live.agents.get(agent?.id ?? ''))).toMatchObject([{ tool: 'Bash', state: 'done', result: 'one' }])
  expect([...live.entries].map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['prompt', 'thinking', 'question', 'text']),
  )
  expect([...live.entries].at(-1)).toMatchObject({ kind: 'end', isError: false, text: await run.text })
})

test('what each run of the real Claude Code cost is what the service counts, also in a session that is resumed', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const client = () => createClient({ baseUrl: service.base })
  const { conversation_id: id } = await client().createConversation({ cwd: service.folder() })
  const counted: (number | null)[] = []
  const prompts = [
    '@usage 1000 100\n@end One.',
    '@usage 2000 200\n@bash echo two\n@end Two.',
    '@usage 500 50\n@end Three.',
  ]
  for (const prompt of prompts) {
    const run = await client().run(prompt, { conversation: id, allowed_tools: ['Bash(echo:*)'] })
    await run.result
    counted.push((await client().conversation(id)).cost_usd)
    // Another process goes on with the session.
    if (counted.length === 1) await service.restart()
  }
  const all = (await readTo(client().follow(id), resultOf(prompts.length))).reduce(view, emptyView)
  const told = [...all.entries].flatMap((entry) => (entry.kind === 'end' ? [entry.costUsd ?? Number.NaN] : []))
  expect(told).toHaveLength(prompts.length)
  const sums = told.map((_, n) => told.slice(0, n + 1).reduce((sum, cost) => sum + cost, 0))
  for (const [n, sum] of sums.entries()) expect(sum).toBeCloseTo(counted[n] ?? Number.NaN, 9)
  expect(Math.min(...told)).toBeGreaterThan(0)
})
