import { expect, it } from 'vitest'
import { call, replay } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { adopt, list, say } from '../../sessions/doors.ts'
import type { Words } from '../words.ts'

/** The agent's own sessions. */
export function sessionContract(agent: AgentName, words: Words): void {
  it('a session whose conversation was deleted is nobody’s, and can become a conversation again', async () => {
    await using service = await startTestService({ agent })
    const cwd = service.folder()
    const conversations = `${service.base}/v1/conversations`
    const made = await call(conversations, { method: 'POST', body: { cwd, title: 'First' } })
    const first = String(made.json?.['conversation_id'])
    await say(service, first, words.say('Hello.'))
    const listed = await list(service, cwd)
    expect(listed).toMatchObject([{ conversation_id: first, in_use: false }])
    const session = String(listed[0]?.['session_id'])
    const again = { error: 'conversation_exists', conversation_id: first, session_id: session }
    expect(await adopt(service, cwd, session)).toMatchObject({ status: 409, json: again })
    const before = await replay(service.base, first)
    await call(`${conversations}/${first}`, { method: 'DELETE' })
    expect(await list(service, cwd)).toMatchObject([{ session_id: session, conversation_id: null }])

    const [one, two] = await Promise.all([adopt(service, cwd, session), adopt(service, cwd, session)])
    expect(new Set([one.status, two.status])).toEqual(new Set([200, 409]))
    const id = String((one.status === 200 ? one : two).json?.['conversation_id'])
    const after = await replay(service.base, id)
    const said = ({ event }: (typeof after)[number]) =>
      event.type === 'system' || event.type === 'result' ? [] : event['message']
    // The agent adds to its messages when they are complete; what was said is the same.
    expect(JSON.stringify(after.flatMap(said))).toContain('Hello.')
    expect(after.flatMap(said)).toHaveLength(before.flatMap(said).length)
    expect(after.at(-1)?.event).toMatchObject({ subtype: 'session_adopted', session_id: session })
    await say(service, id, words.say('Again.'))
    expect(await list(service, cwd)).toMatchObject([{ session_id: session, conversation_id: id }])
  })

  it('a refused adoption changes nothing: the id can be had afterwards', async () => {
    await using service = await startTestService({ agent })
    const cwd = service.folder()
    const body = { cwd, adopt: crypto.randomUUID(), conversation_id: 'mine' }
    const conversations = `${service.base}/v1/conversations`
    expect(await call(conversations, { method: 'POST', body })).toMatchObject({
      status: 404,
      json: { error: 'session_unknown' },
    })
    expect(await call(conversations, { method: 'POST', body: { cwd, conversation_id: 'mine' } })).toMatchObject({
      status: 200,
    })
  })
}
