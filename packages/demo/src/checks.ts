import type { Frame } from './sse.ts'

/** A promise of the service, and whether it was kept. `found` says what was seen when it was not. */
export interface Check {
  readonly claim: string
  readonly holds: boolean
  readonly found: string
}

/** What the demo has seen, gathered for the checks. */
export interface Evidence {
  readonly beforeCut: readonly Frame[]
  readonly afterCut: readonly Frame[]
  readonly replayed: readonly string[]
  readonly fileWanted: string
  readonly fileFound: string
}

/** What the demo proves. Pure. */
export function checksOf({ beforeCut, afterCut, replayed, fileWanted, fileFound }: Evidence): Check[] {
  const frames = [...beforeCut, ...afterCut]
  const ids = frames.map((frame) => frame.id)
  const last = frames.at(-1)
  const different = replayed.findIndex((line, at) => line !== frames[at]?.data)
  return [
    {
      claim: `the events are numbered 1 to ${frames.length}: nothing is lost and nothing comes twice`,
      holds: ids.length > 0 && ids.every((id, at) => id === at + 1),
      found: `the numbers were ${ids.join(', ')}`,
    },
    {
      claim: `the cut was in the middle: ${beforeCut.length} events before it, ${afterCut.length} after it`,
      holds: beforeCut.length > 0 && afterCut.length > 0,
      found: `${beforeCut.length} events came before the cut and ${afterCut.length} after it`,
    },
    {
      claim: 'the run ended well',
      holds: last !== undefined && isGoodResult(last.data),
      found: `the last event was ${last?.data ?? 'none'}`,
    },
    {
      claim: `a replay from the start gives the same ${replayed.length} lines, byte for byte`,
      holds: replayed.length === frames.length && different === -1,
      found: `the replay has ${replayed.length} lines, the streams had ${frames.length}; first different: ${different + 1}`,
    },
    {
      claim: 'the file that the agent wrote is there, with the right content',
      holds: fileFound === fileWanted,
      found: `the file holds ${JSON.stringify(fileFound)}`,
    },
  ]
}

function isGoodResult(line: string): boolean {
  const event: unknown = JSON.parse(line)
  return typeof event === 'object' && event !== null && 'type' in event && 'is_error' in event
    ? event.type === 'result' && event.is_error === false
    : false
}
