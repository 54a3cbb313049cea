import { expect, test } from 'vitest'
import { call, replay } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { adopt, lastSaid, list, newConversation, say } from './doors.ts'
import { hasOpened, inTerminal } from './terminal.ts'

/** Many starts of an agent: on a busy machine they take their time. */
const LONG = { timeout: 180_000 }

test(
  'what a terminal has added to a session is told, and the agent knows of it, warm process or not',
  LONG,
  async () => {
    await using service = await startTestService({ agent: 'claude' })
    const cwd = service.folder()
    const { session, said } = inTerminal(service, cwd, 'One.')
    await said
    const id = String((await adopt(service, cwd, session)).json?.['conversation_id'])
    await say(service, id, 'Two.')
    await say(service, id, 'Three.')
    expect(await grown(service, id)).toEqual([])

    await inTerminal(service, cwd, 'Four, typed.', session).said
    await say(service, id, '@recall')
    expect(await lastSaid(service, id)).toContain('(4) Four, typed.')
    expect(await grown(service, id)).toMatchObject([{ session_id: session, unseen_messages: 2, in_use: false }])

    await inTerminal(service, cwd, 'Five, typed.', session).said
    await service.restart()
    await say(service, id, '@recall')
    expect(await lastSaid(service, id)).toContain('Five, typed.')
    // Told once each.
    expect(await grown(service, id)).toMatchObject([{ unseen_messages: 2 }, { unseen_messages: 2 }])
    await say(service, id, 'Six.')
    expect(await grown(service, id)).toHaveLength(2)
    expect(await list(service, cwd)).toHaveLength(1)
  },
)

test('a terminal that works in the session right now is told of', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const { session, said } = inTerminal(service, cwd, 'One.')
  await said
  const id = String((await adopt(service, cwd, session)).json?.['conversation_id'])
  const terminal = inTerminal(service, cwd, '@bash echo hi\n@hang', session)
  await hasOpened(service, terminal)
  const requests = () => JSON.stringify(service.model?.requests().at(-1)?.messages ?? [])
  await expect.poll(requests, { timeout: 20_000 }).toContain('"tool_result"')
  await say(service, id, 'Two.')
  expect(await grown(service, id)).toMatchObject([{ session_id: session, in_use: true }])
})

test('an interrupt or a failure is nothing that was said elsewhere', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const id = await newConversation(service, cwd)
  const url = () => `${service.base}/v1/conversations/${id}`
  await say(service, id, '@status 400')
  for (const text of ['@bash sleep 60', '@hang']) {
    await call(`${url()}/messages`, { method: 'POST', body: { text, allowed_tools: ['Bash'] } })
    const asked = () => JSON.stringify(service.model?.requests().at(-1)?.messages ?? [])
    await expect.poll(asked, { timeout: 20_000 }).toContain(text)
    await call(`${url()}/interrupt`, { method: 'POST' })
    await expect.poll(async () => (await call(url())).json?.['state'], { timeout: 20_000 }).toBe('idle')
    await say(service, id, 'And now?')
    await service.restart()
    await say(service, id, 'And then?')
  }
  expect(await grown(service, id)).toEqual([])
})

async function grown(service: TestService, id: string) {
  const events = await replay(service.base, id)
  return events.map(({ event }) => event).filter(({ subtype }) => subtype === 'session_grown_elsewhere')
}
