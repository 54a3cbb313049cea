import type { Part } from './lib/part.ts'
import { disk } from './parts/disk.ts'
import { fanOut } from './parts/fan-out.ts'
import { feed } from './parts/feed.ts'
import { growth } from './parts/growth.ts'
import { idle } from './parts/idle.ts'
import { ingest } from './parts/ingest.ts'
import { latency } from './parts/latency.ts'
import { replay } from './parts/replay.ts'
import { search } from './parts/search.ts'
import { serviceStart } from './parts/service-start.ts'
import { stalled } from './parts/stalled.ts'
import { startAnnounced } from './parts/start-announced.ts'
import { startCold } from './parts/start-cold.ts'
import { startWarm } from './parts/start-warm.ts'
import { storm } from './parts/storm.ts'
import { tail } from './parts/tail.ts'
import { throughput } from './parts/throughput.ts'
import { wire } from './parts/wire.ts'

const MEASURED: readonly Part[] = [
  startCold,
  startWarm,
  startAnnounced,
  latency,
  ingest,
  throughput,
  replay,
  tail,
  search,
  fanOut,
  feed,
  idle,
  stalled,
  storm,
  serviceStart,
  disk,
  wire,
]

/** All parts, in the order they are run and shown. */
export const PARTS: readonly Part[] = [...MEASURED, growth(MEASURED)]
