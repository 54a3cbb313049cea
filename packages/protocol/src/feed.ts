import type { Lines } from './frames.ts'

/**
 * A place in the feed of all conversations: the commits before `commit` lie before it, and of that one the first
 * `events` events. `life`: who wrote up to there, so that it means nothing in another store.
 */
export interface FeedPlace {
  readonly life: string
  readonly commit: number
  readonly events: number
}

/** Consecutive events of one conversation that were stored together. */
export interface FeedLines extends Lines {
  readonly conversation: string
  /** The place before the first of them. */
  readonly at: FeedPlace
}

/** The place as a client gets it, to bring it back: opaque to it. */
export function writeFeedPlace({ life, commit, events }: FeedPlace): string {
  return Buffer.from(`${life} ${commit.toString(36)} ${events.toString(36)}`, 'latin1').toString('base64url')
}

/** The place that a client brings back; undefined for what was never written by `writeFeedPlace`. */
export function readFeedPlace(cursor: string): FeedPlace | undefined {
  const [, life, commit = '', events = ''] = PLACE.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  if (life === undefined) return undefined
  const place = { life, commit: Number.parseInt(commit, 36), events: Number.parseInt(events, 36) }
  // Every other way to spell it is none of ours; base64 is lenient.
  return Number.isSafeInteger(place.commit) && writeFeedPlace(place) === cursor ? place : undefined
}

const PLACE = /^([0-9a-f]{10}) ([0-9a-z]{1,11}) ([0-9a-z]{1,6})$/

/** An event of the feed as a client gets it. */
export interface FeedEntry {
  /** The cursor behind it. */
  readonly id: string
  /** One line of JSON: whose event it is, its number there, and the event, byte for byte as it is told elsewhere. */
  readonly data: string
}

export function feedEntries({ conversation, first, lines, at }: FeedLines): FeedEntry[] {
  const source = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
  const each = source.toString('latin1', 0, source.length - 1).split('\n')
  return each.map((line, n) => ({
    id: writeFeedPlace({ ...at, events: at.events + n + 1 }),
    data: `{"conversation_id":"${conversation}","number":${first + n},"event":${line}}`,
  }))
}

/** Events of the feed as Server-Sent Events. */
export function toFeedSse(batches: readonly FeedLines[]): Uint8Array {
  const frames = batches.flatMap((batch) => feedEntries(batch).map(({ id, data }) => `id: ${id}\ndata: ${data}\n\n`))
  return Buffer.from(frames.join(''), 'latin1')
}
