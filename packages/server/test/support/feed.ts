import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTick } from 'node:timers/promises'

/** An event of the feed, as a client holds it. */
export interface FeedEvent {
  readonly conversation: string
  readonly number: number
  /** The event's line: the rest of the data, as it came. */
  readonly line: string
}

/** A reader as a browser's EventSource is one: it comes back with the last id it was told, and knows nothing else. */
export interface FeedReader {
  readonly seen: readonly FeedEvent[]
  readonly lastId: string
  /** What came besides: by their names, events that are none of a conversation, and all that was said, as it came. */
  readonly named: readonly { readonly name: string; readonly data: string }[]
  readonly text: string
  readonly head: string
  /** Reads until `enough`, or to the end; then the connection is cut. */
  read(base: string, enough?: (bytes: number) => boolean): Promise<void>
}

/** HTTP/1.0, so that what comes is the stream itself, without chunks, and a cut can fall on any byte. */
export function createFeedReader(query = '', startAt = ''): FeedReader {
  const seen: FeedEvent[] = []
  const named: { name: string; data: string }[] = []
  const reader = { seen, named, lastId: startAt, text: '', head: '', read }

  async function read(base: string, enough: (bytes: number) => boolean = () => false): Promise<void> {
    const { hostname, port, host } = new URL(base)
    const socket = connect(Number(port), hostname)
    try {
      await once(socket, 'connect')
      const resume = reader.lastId === '' ? '' : `last-event-id: ${reader.lastId}\r\n`
      socket.write(`GET /v1/stream${query} HTTP/1.0\r\nhost: ${host}\r\n${resume}\r\n`)
      let rest = ''
      let bytes = 0
      let inHead = true
      socket.setEncoding('latin1')
      for await (const chunk of socket) {
        bytes += String(chunk).length
        rest += String(chunk)
        if (inHead) {
          const at = rest.indexOf('\r\n\r\n')
          if (at < 0) continue
          reader.head = rest.slice(0, at)
          if (!rest.startsWith('HTTP/1.1 200 ')) throw new Error(`not a stream: ${rest}`)
          rest = rest.slice(at + 4)
          inHead = false
        }
        const frames = rest.split('\n\n')
        rest = frames.pop() ?? ''
        for (const frame of frames) take(frame)
        if (enough(bytes)) return
        // A reader in the same process must leave the service its turns.
        await nextTick()
      }
    } catch (error) {
      // The service is gone, or was killed in the middle: that is for the reader what a cut is.
      if (!(error instanceof Error && 'code' in error)) throw error
    } finally {
      socket.destroy()
    }
  }

  /** HTML standard, section 9.2.6: an id counts also without data. */
  function take(frame: string): void {
    reader.text += `${frame}\n\n`
    let name = ''
    let data = ''
    for (const line of frame.split('\n')) {
      if (line.startsWith('id: ')) reader.lastId = line.slice(4)
      if (line.startsWith('event: ')) name = line.slice(7)
      if (line.startsWith('data: ')) data = line.slice(6)
    }
    if (name !== '') named.push({ name, data })
    else if (data !== '') seen.push(eventOf(data))
  }

  return reader
}

function eventOf(data: string): FeedEvent {
  const [, conversation = '', number, line] = ENTRY.exec(data) ?? []
  if (line === undefined) throw new Error(`not an event of the feed: ${data.slice(0, 300)}`)
  return { conversation, number: Number(number), line }
}

const ENTRY = /^\{"conversation_id":"([^"]+)","number":(\d+),"event":(.+)\}$/

/** What a reader has of each conversation, in the order of its coming. */
export function byConversation(events: readonly FeedEvent[]): Map<string, FeedEvent[]> {
  return Map.groupBy(events, ({ conversation }) => conversation)
}
