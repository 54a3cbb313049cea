import { fileURLToPath } from 'node:url'
import type { Load } from '../lib/load.ts'
import { type Helper, startScript } from '../lib/processes.ts'
import type { Source } from '../lib/subscribers.ts'
import type { Loop } from './loop.ts'

export interface RunningLoop extends AsyncDisposable {
  readonly process: Helper<Loop>
  readonly port: number
  source(load: Load): Promise<Source>
}

/** Starts the bare `node:http` loop. */
export async function startLoop({ keepsHistory = false, collects = false } = {}): Promise<RunningLoop> {
  const flags = collects ? ['--expose-gc'] : []
  const process = startScript<Loop>(fileURLToPath(new URL('loop.ts', import.meta.url)), { flags })
  const port = await process.ask('listen', { keepsHistory })
  return {
    process,
    port,
    async source(load) {
      await process.ask('clear')
      return {
        port,
        requests: ['GET /stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {last}\r\n\r\n'],
        stampOriginUs: await process.ask('clockOriginUs'),
        ready: 0,
        end: load.count,
        closes: false,
        open: () => process.ask('go', load),
      }
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  }
}
