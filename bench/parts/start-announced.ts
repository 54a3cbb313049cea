import { OPTIONS } from '../../packages/server/src/config.ts'
import { startAgents } from '../lib/agents.ts'
import { alternate } from '../lib/alternate.ts'
import { type Context, type Part, ratioAtMost } from '../lib/part.ts'
import { family, untilQuiet } from '../lib/quiet.ts'

/** A first prompt in a chat that was opened before. */
export const startAnnounced: Part = {
  name: 'start-announced',
  sentence: 'first prompt in a folder announced before by `canonical`, with `--prepare`, against the cold start',

  async run(context: Context) {
    const row = {
      what: 'POST to a new conversation in an announced folder → first request at the model',
      unit: 'ms',
      against: 'the cold start',
      target: ratioAtMost(1 / 3),
    }
    if (!Object.hasOwn(OPTIONS, 'prepare')) return [{ ...row, candidate: [], note: 'this service has no --prepare' }]
    await using agents = await startAgents(context, ['--prepare', 'true', '--max-warm', '100'])
    const { service } = agents
    const cold = async (round: number) => {
      const cwd = await agents.folder()
      await untilQuiet(service.process.pid)
      return agents.viaService(`cold-${round}`, cwd)
    }
    const announced = async () => {
      const cwd = await agents.folder()
      await untilQuiet(service.process.pid)
      const before = new Set(family(service.process.pid)?.pids)
      const response = await fetch(`${service.url}/v1/conversations/canonical?cwd=${encodeURIComponent(cwd)}`)
      const { canonical_id: id } = (await response.json()) as { canonical_id: string }
      await untilQuiet(service.process.pid, ({ pids }) => pids.some((pid) => !before.has(pid)))
      return agents.viaService(id, cwd)
    }
    await cold(-1)
    const { a, b } = await alternate(context, announced, cold)
    return [{ ...row, candidate: a, baseline: b }]
  },
}
