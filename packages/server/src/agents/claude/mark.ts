import { createHash, randomUUID } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import type { AgentProcess } from '../../core/ports/agent.ts'
import { identify } from './process-tree.ts'

/**
 * A variable that an agent hands down to all it begins. When the agent is gone, its children are nobody's, and those in
 * sessions of their own never were in its tree: by this they are found all the same (Linux).
 *
 * `directory.start.agent`: a data directory has one service at a time, so that another start's marks are left over.
 */
const NAME = 'CLAUDE_PROXY_AGENT_MARK'

/** The marks of one start of the service. */
export interface Marks {
  /** The environment of one more agent, which is found by `mark`. */
  next(): { readonly mark: string; readonly environment: Readonly<Record<string, string>> }
  /** What agents of earlier starts with the same data directory have left behind. */
  leftOver(): Promise<AgentProcess[]>
}

export function createMarks(dataDir: string): Marks {
  const directory = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const start = `${directory}.${randomUUID()}`
  let agents = 0
  return {
    next() {
      const mark = `${start}.${++agents}.`
      return { mark, environment: { [NAME]: mark } }
    },
    leftOver() {
      // An agent may have started this very service: that must not end itself.
      const ours = process.env[NAME]
      return find((mark) => mark.startsWith(`${directory}.`) && !mark.startsWith(`${start}.`) && mark !== ours)
    },
  }
}

/** All living processes that carry the mark. */
export function marked(mark: string): Promise<AgentProcess[]> {
  return find((each) => each === mark)
}

async function find(fits: (mark: string) => boolean): Promise<AgentProcess[]> {
  const names = await readdir('/proc').catch(() => [])
  const found = await Promise.all(
    names.map(async (name) => {
      if (!/^\d+$/.test(name)) return undefined
      // Other users' cannot be read, and are not ours.
      const environment = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '')
      const variable = environment.split('\0').find((each) => each.startsWith(`${NAME}=`))
      return variable !== undefined && fits(variable.slice(NAME.length + 1)) ? identify(Number(name)) : undefined
    }),
  )
  return found.filter((each) => each !== undefined)
}
