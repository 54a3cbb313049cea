import { startAgents } from '../lib/agents.ts'
import { alternate } from '../lib/alternate.ts'
import { type Context, type Part, ratioAtMost } from '../lib/part.ts'
import { untilQuiet } from '../lib/quiet.ts'

/** A first prompt in a new conversation. */
export const startCold: Part = {
  name: 'start-cold',
  sentence: 'start of a run, cold: POST → the first request at the Messages API, against the SDK used directly',

  async run(context: Context) {
    // No process stays, so that none is in the way of the next.
    await using agents = await startAgents(context, ['--max-warm', '0'])
    const ours = async (round: number) => {
      const cwd = await agents.folder()
      await untilQuiet(agents.service.process.pid, ({ pids }) => pids.length === 1)
      return agents.viaService(`cold-${round}`, cwd)
    }
    const theirs = async () => {
      const cwd = await agents.folder()
      await untilQuiet(agents.sdk.pid, ({ pids }) => pids.length === 1)
      return agents.viaSdk(cwd)
    }
    // The first of each loads what the later ones find loaded: the SDK here, the binary's pages there.
    const first = await ours(-1)
    await theirs()
    const { a, b } = await alternate(context, ours, theirs)
    return [
      {
        what: 'POST to a new conversation → first request at the model',
        unit: 'ms',
        candidate: a,
        against: 'the SDK in a script',
        baseline: b,
        target: ratioAtMost(1.1),
      },
      { what: 'the same, the first ever of a service', unit: 'ms', candidate: [first] },
    ]
  },
}
