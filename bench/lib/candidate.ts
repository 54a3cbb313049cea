import { gatedRun } from './gate.ts'
import type { Load } from './load.ts'
import type { Service } from './service.ts'
import type { Source } from './subscribers.ts'

/** The service as a source of events: runs that wait for their subscribers. */
export async function candidateSource(
  service: Service,
  scratch: string,
  load: Load,
  { runs = 1, staysOpen = false, watchesConversation = false } = {},
): Promise<Source> {
  const stampOriginUs = await service.process.ask('clockOriginUs')
  const gated = await Promise.all(Array.from({ length: runs }, () => gatedRun(service, scratch, load, { staysOpen })))
  return {
    port: service.port,
    requests: gated.map(({ request, watchRequest }) => (watchesConversation ? watchRequest : request)),
    stampOriginUs,
    ready: gated[0]?.ready ?? 0,
    end: gated[0]?.end ?? 0,
    closes: !staysOpen && !watchesConversation,
    async open() {
      await Promise.all(gated.map((run) => run.open()))
    },
  }
}
