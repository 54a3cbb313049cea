import { fileURLToPath } from 'node:url'
import { type Helper, startScript } from './processes.ts'
import type { Opening, Reader, Report } from './reader.ts'

const READER = fileURLToPath(new URL('reader.ts', import.meta.url))

export function startReader(): Helper<Reader> {
  return startScript<Reader>(READER)
}

/** How many connections are on their way at once, where their making is not what is measured. */
const WINDOW = 250

/** Whoever sends events: it can be opened when all subscribers are there. */
export interface Source {
  readonly port: number
  readonly requests: readonly string[]
  readonly numbering?: Opening['numbering']
  readonly stampOriginUs: number
  /** What every subscriber has before the load begins, and what it has at its end. */
  readonly ready: number
  readonly end: number
  /** Whether the source ends its streams. */
  readonly closes: boolean
  open(): Promise<void>
}

/** Opens `count` subscribers and waits until they have what was there before. */
export async function subscribe(
  reader: Helper<Reader>,
  group: string,
  count: number,
  source: Source,
  sampleEvery = 1,
): Promise<void> {
  const { port, requests, numbering = 'id', stampOriginUs, ready } = source
  const opening = { port, requests, numbering, stampOriginUs, count, sampleEvery, window: WINDOW }
  await reader.ask('open', { group, opening })
  await reader.ask('wait', { group, last: ready })
  await reader.ask('mark', group)
}

/** Opens subscribers, then the source; the figures are in when each has everything, in order. */
export async function deliver(reader: Helper<Reader>, count: number, source: Source, sampleEvery = 1): Promise<Report> {
  await subscribe(reader, 'all', count, source, sampleEvery)
  await source.open()
  await reader.ask('wait', { group: 'all', last: source.end, closed: source.closes })
  const report = await reader.ask('report', 'all')
  await reader.ask('close', 'all')
  return report
}
