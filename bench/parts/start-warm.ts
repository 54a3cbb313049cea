import { startAgents } from '../lib/agents.ts'
import { alternate } from '../lib/alternate.ts'
import { type Context, type Part, ratioAtMost } from '../lib/part.ts'
import { untilQuiet } from '../lib/quiet.ts'

/** A further prompt in a conversation. */
export const startWarm: Part = {
  name: 'start-warm',
  sentence: 'start of a run, warm: a second prompt in a conversation, against a second message into a live SDK query',

  async run(context: Context) {
    await using agents = await startAgents(context, ['--max-warm', '1'])
    const { service, sdk } = agents
    const cwd = await agents.folder()
    const cold: number[] = []
    for (let round = 0; round < context.rounds; round++) {
      const fresh = await agents.folder()
      await untilQuiet(service.process.pid)
      cold.push(await agents.viaService(`cold-${round}`, fresh))
    }
    // Last, so that it is this one's process that stays.
    await agents.viaService('warm', cwd)
    await sdk.ask('begin', { cwd: await agents.folder(), text: 'the first prompt' })
    // The second prompt of each is practice.
    await agents.viaService('warm', cwd)
    await agents.viaLiveSdk()
    const { a, b } = await alternate(
      context,
      async () => {
        await untilQuiet(service.process.pid)
        return agents.viaService('warm', cwd)
      },
      async () => {
        await untilQuiet(sdk.pid)
        return agents.viaLiveSdk()
      },
    )
    const row = { what: 'a further prompt → request at the model', unit: 'ms', candidate: a }
    return [
      { ...row, against: 'a live SDK query', baseline: b, target: ratioAtMost(1.25) },
      { ...row, against: 'the cold start', baseline: cold, target: ratioAtMost(1 / 8) },
    ]
  },
}
