import { expect, test } from 'vitest'
import { replay } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { hasOpened, inTerminal } from './terminal.ts'
import { adopt, lastSaid, list, say } from './doors.ts'

test('a session that was begun in a terminal is listed, becomes a conversation, and goes on with its history', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const { session, said } = inTerminal(service, cwd, 'My number is 4711.\n@write a.txt one')
  await said
  await inTerminal(service, cwd, 'Second.', session).said
  expect(await list(service, cwd)).toMatchObject([
    {
      session_id: session,
      conversation_id: null,
      title: expect.any(String) as string,
      first_prompt: expect.stringContaining('My number is 4711.') as string,
      in_use: false,
    },
  ])
  const before = service.model?.requests().length ?? 0
  const adopted = await adopt(service, cwd, session)
  expect(adopted).toMatchObject({ status: 200, json: { cwd, state: 'idle' } })
  expect(service.model?.requests()).toHaveLength(before)
  const id = String(adopted.json?.['conversation_id'])
  const history = await replay(service.base, id)
  const shapes = history.map(({ event }) => [event.type, event.subtype ?? Object.keys(event['message'] as object)[0]])
  expect(shapes).toEqual([
    ['user', 'role'],
    ['assistant', 'role'],
    ['user', 'role'],
    ['assistant', 'role'],
    ['user', 'role'],
    ['assistant', 'role'],
    ['system', 'session_adopted'],
  ])
  expect(history[0]?.event).toMatchObject({
    message: { role: 'user', content: [{ type: 'text', text: 'My number is 4711.\n@write a.txt one' }] },
  })
  expect(history.at(-1)?.event).toMatchObject({ session_id: session, adopted_events: 6 })
  expect(await list(service, cwd)).toMatchObject([{ session_id: session, conversation_id: id }])

  await say(service, id, 'And?\n@recall')
  expect(await lastSaid(service, id)).toContain('(1) My number is 4711.')
  const asked =
    service.model
      ?.requests()
      .at(-1)
      ?.messages.flatMap(({ blocks }) => blocks) ?? []
  expect(asked.filter(({ type }) => type === 'tool_result')).toHaveLength(1)
  // One session: nothing was forked.
  expect(await list(service, cwd)).toMatchObject([{ session_id: session, conversation_id: id }])

  expect(await adopt(service, cwd, session)).toMatchObject({
    status: 409,
    json: { error: 'conversation_exists', conversation_id: id, session_id: session },
  })
})

test('a session that a terminal has open is not adopted until it is closed', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const first = inTerminal(service, cwd, 'One.')
  await first.said
  const terminal = inTerminal(service, cwd, '@slow 200\n@text 8000', first.session)
  await hasOpened(service, terminal)
  expect(await list(service, cwd)).toMatchObject([{ session_id: first.session, in_use: true }])
  expect(await adopt(service, cwd, first.session)).toMatchObject({ status: 409, json: { error: 'session_in_use' } })
  terminal.child.kill('SIGKILL')
  await terminal.said.catch(() => {})
  // What it has left behind in its directory is nobody's any more.
  expect(await list(service, cwd)).toMatchObject([{ in_use: false }])
  expect(await adopt(service, cwd, first.session)).toMatchObject({ status: 200 })
})
