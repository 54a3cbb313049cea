import { expect, it } from 'vitest'
import { call, replay } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { fork, list, newConversation, say } from '../../sessions/doors.ts'
import type { Words } from '../words.ts'

/** Conversations that have the beginning of another. */
export function forkContract(agent: AgentName, words: Words): void {
  it('a fork has the same events under the same numbers, says so, and goes on by itself', async () => {
    await using service = await startTestService({ agent })
    const cwd = service.folder()
    const source = await newConversation(service, cwd, 'Source')
    await say(service, source, words.say('One.'))
    const middle = (await replay(service.base, source)).length
    await say(service, source, words.say('Two.'))
    const before = await replay(service.base, source)

    const forked = await fork(service, source, { from: middle })
    expect(forked).toMatchObject({
      status: 200,
      json: { cwd, title: 'Source (fork)', head: middle + 1, state: 'idle' },
    })
    const id = String(forked.json?.['conversation_id'])
    const whole = await fork(service, source, { title: 'All of it' })
    expect(whole).toMatchObject({ status: 200, json: { title: 'All of it', head: before.length + 1 } })
    await say(service, id, words.say('Instead.'))
    await say(service, source, words.say('Three.'))

    const branch = await replay(service.base, id)
    expect(branch.slice(0, middle).map(({ data }) => data)).toEqual(before.slice(0, middle).map(({ data }) => data))
    expect(branch[middle]?.event).toMatchObject({
      type: 'system',
      subtype: 'forked',
      from_conversation_id: source,
      from_event: middle,
    })
    expect(branch.at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
    const after = await replay(service.base, source)
    expect(after.slice(0, before.length)).toEqual(before)
    expect(after.some(({ data }) => data.includes('Instead.'))).toBe(false)
    // Three sessions, a conversation each.
    const owners = (await list(service, cwd)).map((each) => each['conversation_id'])
    expect(new Set(owners)).toEqual(new Set([source, id, String(whole.json?.['conversation_id'])]))
    expect(owners).toHaveLength(3)
  })

  it('is refused amid a tool call, with the numbers that are possible, and changes nothing', async () => {
    await using service = await startTestService({ agent })
    const cwd = service.folder()
    const source = await newConversation(service, cwd)
    const url = `${service.base}/v1/conversations`
    await say(service, source, words.say('One.'))
    const first = (await replay(service.base, source)).length
    await call(`${url}/${source}/messages`, { method: 'POST', body: { text: words.ask } })
    await expect.poll(async () => (await call(`${url}/${source}`)).json?.['state'], { timeout: 20_000 }).toBe('waiting')
    const events = await replay(service.base, source)
    const asked = events.findIndex(({ data }) => data.includes('"tool_use"')) + 1
    const prompt = events.findIndex(({ data, id }) => id > first && data.includes('"role":"user"')) + 1
    expect(await fork(service, source, { from: asked })).toMatchObject({
      status: 409,
      json: { error: 'not_a_fork_point', before: prompt, after: null },
    })
    expect((await call(url)).json?.['conversations']).toHaveLength(1)
    // What is complete can be forked while the run goes on.
    expect(await fork(service, source, { from: first })).toMatchObject({ status: 200, json: { head: first + 1 } })
    expect(await call(`${url}/${source}`)).toMatchObject({ json: { state: 'waiting' } })
  })

  it('of a conversation without events has none but the one that says so; of no conversation there is none', async () => {
    await using service = await startTestService({ agent })
    const source = await newConversation(service, service.folder())
    const forked = await fork(service, source)
    expect(forked).toMatchObject({ status: 200, json: { head: 1 } })
    await say(service, String(forked.json?.['conversation_id']), words.say('Hello.'))
    expect(await fork(service, source, { from: 1 })).toMatchObject({ status: 400, json: { error: 'bad_request' } })
    expect(await fork(service, source, { from: 0 })).toMatchObject({ status: 400 })
    expect(await fork(service, 'nobody')).toMatchObject({ status: 404, json: { error: 'conversation_unknown' } })
  })
}
