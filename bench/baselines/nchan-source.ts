import { fileURLToPath } from 'node:url'
import type { Load } from '../lib/load.ts'
import { startScript } from '../lib/processes.ts'
import type { Source } from '../lib/subscribers.ts'
import { startNginx } from './nginx.ts'
import type { Publisher } from './publisher.ts'

export interface RunningNchan extends AsyncDisposable {
  source(load: Load): Promise<Source>
}

let channels = 0

/** nginx with nchan, and a publisher. Undefined where this machine has it not. */
export async function startNchan(scratch: string): Promise<RunningNchan | undefined> {
  const nginx = await startNginx(scratch, { nchan: true })
  if (nginx === undefined) return undefined
  const publisher = startScript<Publisher>(fileURLToPath(new URL('publisher.ts', import.meta.url)))
  return {
    async source(load) {
      // A channel of its own: an old one would bring its old messages, too.
      const channel = `bench-${++channels}`
      return {
        port: nginx.port,
        requests: [`GET /subscribe?id=${channel} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`],
        numbering: 'text',
        stampOriginUs: await publisher.ask('clockOriginUs'),
        ready: 0,
        end: load.count,
        closes: false,
        async open() {
          publisher.ask('publish', { port: nginx.port, channel, load }).catch((error: unknown) => {
            process.stderr.write(`nchan: ${String(error)}\n`)
          })
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await publisher[Symbol.asyncDispose]()
      await nginx[Symbol.asyncDispose]()
    },
  }
}
