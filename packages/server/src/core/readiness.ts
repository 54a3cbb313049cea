import type { Agent } from './ports/agent.ts'
import type { Log } from './ports/outside.ts'
import type { Store } from './ports/store.ts'

export interface ReadinessDeps {
  readonly store: Store
  readonly agent: Agent
  readonly log: Log
  /** Whether new runs are taken. */
  readonly mayAcceptRuns: () => boolean
  /** With less on the disk, it is not ready. */
  readonly minFreeBytes: number
}

/** One thing that has to be so. `message` is for everybody: it names no path. */
export type Check = {
  readonly name: 'service' | 'agent' | 'store' | 'disk'
  readonly status: 'ok' | 'failed'
  readonly message: string
}

export type Readiness = () => Promise<readonly Check[]>

/** How long an answer holds: whoever may ask without a token must not make the disk work. */
const HOLDS_MS = 1000
/** How long the store may take. A busy disk is slow and no reason to be restarted. */
const STORE_MS = 5000

/** Whether a prompt that comes now could be worked on. */
export function createReadiness({ store, agent, log, mayAcceptRuns, minFreeBytes }: ReadinessDeps): Readiness {
  let held: Promise<readonly Check[]> | undefined
  let failing = ''

  return () => {
    if (held) return held
    held = look()
    const forget = () => {
      held = undefined
    }
    void held.finally(() => setTimeout(forget, HOLDS_MS).unref())
    return held
  }

  async function look(): Promise<readonly Check[]> {
    const [agentCheck, stored] = await Promise.all([checkAgent(), checkStore()])
    const checks = [checkService(), agentCheck, ...stored]
    const names = checks.flatMap(({ name, status }) => (status === 'failed' ? [name] : [])).join(', ')
    if (names !== failing) log.warn(names === '' ? 'ready again' : 'not ready', { checks })
    failing = names
    return checks
  }

  function checkService(): Check {
    return mayAcceptRuns()
      ? ok('service', 'The service takes new runs.')
      : failed('service', 'The service is stopping and takes no new runs.')
  }

  async function checkAgent(): Promise<Check> {
    try {
      const why = await agent.unready()
      return why === undefined ? ok('agent', 'The agent can be started.') : failed('agent', why)
    } catch (error) {
      log.error('it could not be found out whether the agent can be started', { error })
      return failed('agent', 'It is not known whether the agent can be started; the log knows more.')
    }
  }

  async function checkStore(): Promise<readonly Check[]> {
    try {
      const { freeBytes } = await inTime(store.check())
      return [ok('store', 'The event store answers and can be written.'), checkSpace(freeBytes)]
    } catch (error) {
      log.error('the event store does not take anything', { error })
      return [failed('store', 'The event store does not answer, or cannot be written; the log knows more.')]
    }
  }

  function checkSpace(freeBytes: number | undefined): Check {
    if (freeBytes === undefined) return ok('disk', 'Nothing is kept on a disk.')
    const free = `${megabytes(freeBytes)} MB are free where events are kept`
    return freeBytes >= minFreeBytes
      ? ok('disk', `${free}.`)
      : failed('disk', `Only ${free}; at least ${megabytes(minFreeBytes)} MB have to be.`)
  }
}

async function inTime<T>(checking: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${STORE_MS} ms`)), STORE_MS)
  })
  try {
    return await Promise.race([checking, late])
  } finally {
    clearTimeout(timer)
  }
}

function ok(name: Check['name'], message: string): Check {
  return { name, status: 'ok', message }
}

function failed(name: Check['name'], message: string): Check {
  return { name, status: 'failed', message }
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}
