import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { call, type Received, replay } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { adopt, fork, lastSaid, newConversation, rewind, say } from './doors.ts'
import { inTerminal, transcriptOf } from './terminal.ts'

/** Many starts of an agent: on a busy machine they take their time. */
const LONG = { timeout: 180_000 }

/** A folder in which the second of three prompts has changed one file and made another. */
async function changed(service: TestService) {
  const cwd = service.folder()
  const [old, made] = [join(cwd, 'old.txt'), join(cwd, 'made.txt')]
  writeFileSync(old, 'original\n')
  const id = await newConversation(service, cwd)
  await say(service, id, 'One.')
  await say(service, id, `Two.\n@tool Read {"file_path":"${old}"}\n@write old.txt changed\n@write made.txt new`)
  await say(service, id, 'Three.')
  const events = await replay(service.base, id)
  return { cwd, old, made, id, events, prompts: prompts(events) }
}

test(
  'a dry run says which files would be put back and changes nothing; a rewind puts them back and says so',
  LONG,
  async () => {
    await using service = await startTestService({ agent: 'claude' })
    const {
      id,
      old,
      made,
      events,
      prompts: [, second = 0],
    } = await changed(service)
    const changes = { files: [old, made], insertions: 1, deletions: 2 }
    const told = { status: 200, json: { conversation_id: id, to: second, dry_run: true, ...changes } }
    expect(await rewind(service, id, { to: second, dry_run: true })).toMatchObject(told)
    // Also when no process is there any more.
    await service.restart()
    expect(await rewind(service, id, { to: second, dry_run: true })).toMatchObject(told)
    expect([readFileSync(old, 'utf8'), readFileSync(made, 'utf8')]).toEqual(['changed', 'new'])
    expect(await replay(service.base, id)).toEqual(events)

    const before = service.model?.requests().length
    const run = String(events[second - 1]?.event['uuid']).replaceAll('-', '')
    expect(await rewind(service, id, { run_id: run })).toMatchObject({
      status: 200,
      json: { to: second, dry_run: false, ...changes },
    })
    expect(readFileSync(old, 'utf8')).toBe('original\n')
    expect(existsSync(made)).toBe(false)
    expect(service.model?.requests()).toHaveLength(before ?? 0)
    const after = await replay(service.base, id)
    expect(after.slice(0, -1)).toEqual(events)
    expect(after.at(-1)?.event).toMatchObject({ type: 'system', subtype: 'files_rewound', to: second, ...changes })
    // The conversation goes on, and remembers all of it.
    await say(service, id, '@recall')
    expect(await lastSaid(service, id)).toContain('(3) Three.')
    expect(readFileSync(old, 'utf8')).toBe('original\n')
  },
)

test('is refused while a run is open in the folder, and a prompt that comes meanwhile waits for it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const {
    id,
    cwd,
    old,
    prompts: [, second = 0],
  } = await changed(service)
  const other = await newConversation(service, cwd)
  const url = `${service.base}/v1/conversations`
  await call(`${url}/${other}/messages`, { method: 'POST', body: { text: '@hang' } })
  const busy = { status: 409, json: { error: 'agent_folder_busy', cwd } }
  for (const body of [{ to: second }, { to: second, dry_run: true }])
    expect(await rewind(service, id, body)).toMatchObject(busy)
  await call(`${url}/${other}/interrupt`, { method: 'POST' })
  await expect.poll(async () => (await call(`${url}/${other}`)).json?.['state'], { timeout: 20_000 }).toBe('idle')
  const [rewound, again] = await Promise.all([
    rewind(service, id, { to: second }),
    rewind(service, id, { to: second }),
    say(service, id, `@bash cp old.txt seen.txt`),
  ])
  expect([rewound, again].map(({ status }) => status)).toContain(200)
  expect(readFileSync(old, 'utf8')).toBe('original\n')
  expect(readFileSync(join(cwd, 'seen.txt'), 'utf8')).toBe('original\n')
})

test('without a checkpoint it is refused: in a fork, in what a terminal began, and when the session is gone', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const {
    id,
    cwd,
    old,
    prompts: [, second = 0],
  } = await changed(service)
  const none = { status: 409, json: { error: 'no_checkpoint', to: second } }
  const branch = String((await fork(service, id)).json?.['conversation_id'])
  expect(await rewind(service, branch, { to: second })).toMatchObject(none)

  const { session, said } = inTerminal(service, cwd, '@write old.txt typed')
  await said
  const adopted = String((await adopt(service, cwd, session)).json?.['conversation_id'])
  expect(await rewind(service, adopted, { to: 1 })).toMatchObject({
    status: 409,
    json: { error: 'no_checkpoint', to: 1 },
  })

  await service.pause(async () => rmSync(dirname(transcriptOf(service, cwd, 'any')), { recursive: true }))
  expect(await rewind(service, id, { to: second })).toMatchObject(none)
  expect(readFileSync(old, 'utf8')).toBe('typed')
})

function prompts(events: readonly Received[]): number[] {
  return events.flatMap(({ id, event }) => (event.type === 'user' && !('parent_tool_use_id' in event) ? id : []))
}
