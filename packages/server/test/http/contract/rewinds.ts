import { expect, it } from 'vitest'
import { replay } from '../../support/client.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { newConversation, rewind, say } from '../../sessions/doors.ts'
import type { Words } from '../words.ts'

/** Putting files back. */
export function rewindContract(agent: AgentName, words: Words): void {
  it('files are put back to a prompt and to nothing else; what is refused changes nothing', async () => {
    await using service = await startTestService({ agent })
    const cwd = service.folder()
    const [id, empty] = [await newConversation(service, cwd), await newConversation(service, cwd)]
    await say(service, id, words.say('Hello.'))
    const events = await replay(service.base, id)
    const bad = [
      {},
      { to: 0 },
      { to: 1.5 },
      { to: '1' },
      { to: events.length + 1 },
      { to: events.length },
      { run_id: 'x' },
    ]
    for (const body of [...bad, { to: 1, run_id: '0'.repeat(32) }, { run_id: '0'.repeat(32) }])
      expect(await rewind(service, id, body)).toMatchObject({ status: 400, json: { error: 'bad_request' } })
    const run = String(events[0]?.event['uuid']).replaceAll('-', '')
    expect(await rewind(service, empty, { run_id: run })).toMatchObject({ status: 400 })
    expect(await rewind(service, 'nobody', { to: 1 })).toMatchObject({
      status: 404,
      json: { error: 'conversation_unknown' },
    })
    if (agent === 'scripted')
      expect(await rewind(service, id, { to: 1 })).toMatchObject({
        status: 409,
        json: { error: 'no_checkpoint', to: 1 },
      })
    expect(await replay(service.base, id)).toEqual(events)
  })
}
