import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Echo } from '../baselines/echo.ts'
import { alternate } from '../lib/alternate.ts'
import { candidateSource } from '../lib/candidate.ts'
import type { Load } from '../lib/load.ts'
import { type Context, type Part, ratioAtMost } from '../lib/part.ts'
import { startScript } from '../lib/processes.ts'
import { startService } from '../lib/service.ts'
import { deliver, startReader } from '../lib/subscribers.ts'

const AGAINST = 'write + fdatasync + loopback'

/** How long an event is under way, at the pace of a busy agent. */
export const latency: Part = {
  name: 'latency',
  sentence: 'an event leaves the agent → it is in the client’s hands, stored durably in between, at 200 events/s',

  async run(context: Context) {
    const load: Load = { count: context.brief ? 200 : 2000, rate: 200, size: 300 }
    const scratch = await mkdtemp(join(context.scratch, 'latency-'))
    await using service = await startService({ dataDir: join(scratch, 'data') })
    await using echo = startScript<Echo>(fileURLToPath(new URL('../baselines/echo.ts', import.meta.url)))
    await using reader = startReader()
    const echoPort = await echo.ask('listen')

    const { a, b } = await alternate(
      context,
      async () => deliver(reader, 1, await candidateSource(service, scratch, load)),
      async (round) =>
        deliver(reader, 1, {
          port: echoPort,
          requests: ['\n'],
          stampOriginUs: await echo.ask('clockOriginUs'),
          ready: 0,
          end: load.count,
          closes: false,
          open: () => echo.ask('go', { file: join(scratch, `echo-${round}`), load }),
        }),
    )
    return [
      {
        what: 'added delivery latency, p50',
        unit: 'ms',
        candidate: a.map(({ p50Ms }) => p50Ms),
        against: AGAINST,
        baseline: b.map(({ p50Ms }) => p50Ms),
        target: ratioAtMost(3),
      },
      {
        what: 'added delivery latency, p99',
        unit: 'ms',
        candidate: a.map(({ p99Ms }) => p99Ms),
        against: AGAINST,
        baseline: b.map(({ p99Ms }) => p99Ms),
        target: ratioAtMost(4),
      },
    ]
  },
}
