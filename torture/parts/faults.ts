import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { agentFaults } from '../faults/agent.ts'
import { clockFaults } from '../faults/clock.ts'
import { diskFaults } from '../faults/disk.ts'
import { limitFaults } from '../faults/limits.ts'
import { modelFaults } from '../faults/model.ts'
import type { Fault } from '../lib/fault.ts'
import type { Part } from '../lib/part.ts'

const FAULTS: readonly Fault[] = [...diskFaults, ...limitFaults, ...clockFaults, ...agentFaults, ...modelFaults]

/** How many faults that are not always there the short version takes. */
const BRIEF_EXTRA = 1

/** Everything around the service breaks, one thing after the other. TORTURE_FAULT takes those whose names hold it. */
export const faults: Part = {
  name: 'faults',
  sentence:
    'disk, files, memory, clock, agent or model fail: it is told in words, costs nothing acknowledged, and passes',

  async run(context) {
    const { brief, random, signal, scratch, say } = context
    const extras = FAULTS.filter((fault) => fault.brief === 'sometimes')
    const chosen = new Set(Array.from({ length: BRIEF_EXTRA }, () => random.pick(extras)))
    const only = process.env['TORTURE_FAULT']
    const lines: string[] = []
    for (const [n, fault] of FAULTS.entries()) {
      // Choices of its own, so that a fault is the same in every selection.
      const own = random.fork()
      if (only !== undefined ? !fault.name.includes(only) : brief && fault.brief !== 'always' && !chosen.has(fault))
        continue
      signal.throwIfAborted()
      const why = fault.skipped?.()
      if (why !== undefined) {
        lines.push(`not tried: ${fault.name} (${why})`)
        continue
      }
      const folder = join(scratch, `fault-${n}`)
      await mkdir(folder)
      const start = performance.now()
      try {
        const seen = await fault.run({ ...context, random: own, scratch: folder })
        lines.push(`${fault.name}: ${seen}`)
        say(`${Math.round((performance.now() - start) / 100) / 10} s ${lines.at(-1)}`)
      } catch (cause) {
        throw new Error(`${fault.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
      }
    }
    return lines
  },
}
