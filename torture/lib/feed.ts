import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { feedEntries, readFeedPlace } from '@claude-proxy/protocol/feed'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import type { Store } from '@claude-proxy/server/src/core/ports/store.ts'
import type { Lives } from './lives.ts'
import type { Random } from './random.ts'
import { createCursor, type Cursor, type Ledger } from './seen.ts'

export interface FeedReaderOptions {
  readonly lives: Lives
  readonly ledger: Ledger
  readonly random: Random
  readonly signal: AbortSignal
}

export interface FeedReader {
  /** Leaves; resolves when it has, rejects with whatever was wrong. */
  leave(): Promise<void>
  /** Reads the rest out of the store; throws unless it then has every event of every conversation. */
  finish(store: Store): Promise<void>
  readonly connections: number
}

/** One reader of all conversations through all lives of the service: cut at any moment, it comes back with its one id. */
export function startFeedReader({ lives, ledger, random, signal }: FeedReaderOptions): FeedReader {
  const cursors = new Map<string, Cursor>()
  const leaving = new AbortController()
  const over = AbortSignal.any([signal, leaving.signal])
  let lastId = ''
  let connections = 0
  const done = readOn()
  // Whoever lets it leave hears of it.
  done.catch(() => {})

  async function readOn(): Promise<void> {
    while (!over.aborted) {
      const { base } = await lives.current()
      if (over.aborted) return
      connections++
      await readOnce(base, AbortSignal.any([over, AbortSignal.timeout(random.int(50, 1500))]))
      await sleep(10)
    }
  }

  function readOnce(base: string, cut: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = lastId === '' ? {} : { 'last-event-id': lastId }
      const sent = get(`${base}/v1/stream`, { headers, agent: false, signal: cut })
      sent.on('error', () => resolve()).on('close', () => resolve())
      sent.on('response', (response) => {
        if (response.headers['x-proxy-reset'] !== undefined) reject(new Error(`the cursor ${lastId} was lost`))
        // It stops just now.
        if (response.statusCode !== 200) return response.resume()
        let text = ''
        response.setEncoding('latin1').on('error', () => resolve())
        return response.on('data', (piece: string) => {
          const frames = `${text}${piece}`.split('\n\n')
          text = frames.pop() ?? ''
          try {
            for (const frame of frames) takeFrame(frame)
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
            sent.destroy()
          }
        })
      })
    })
  }

  function takeFrame(frame: string): void {
    const [, id, data] = /^(?:: ping\n)?id: ([\w-]+)(?:\ndata: (.+))?$/.exec(frame) ?? []
    if (id === undefined && !frame.startsWith('retry: ')) throw new Error(`not a frame of the feed: ${frame}`)
    if (data !== undefined) take(data)
    lastId = id ?? lastId
  }

  function take(entry: string): void {
    const [, conversation = '', number, data] =
      /^\{"conversation_id":"([^"]+)","number":(\d+),"event":(.+)\}$/.exec(entry) ?? []
    if (data === undefined) throw new Error(`not an event of the feed: ${entry.slice(0, 300)}`)
    const cursor = cursors.get(conversation) ?? createCursor(conversation, ledger)
    cursors.set(conversation, cursor)
    cursor.take({ id: Number(number), data })
  }

  return {
    async leave() {
      leaving.abort()
      await done
    },
    async finish(store) {
      const place = lastId === '' ? undefined : readFeedPlace(lastId)
      if (place && !(await store.feedKnows(place))) throw new Error(`the store does not know the cursor ${lastId}`)
      for (let after = place; ;) {
        const page = await store.feed(after, undefined, 256 * 1024)
        for (const batch of page.batches) for (const { data } of feedEntries(batch)) take(data)
        if (page.isLevel) break
        after = page.next
      }
      for (const [id, { last }] of cursors) {
        const head = (await store.conversation(ConversationId.parse(id)))?.head
        if (head !== last) throw new Error(`the feed has ${last} of ${head} events of ${id}`)
      }
      for (const id of ledger.conversations()) if (!cursors.has(id)) throw new Error(`the feed has nothing of ${id}`)
    },
    get connections() {
      return connections
    },
  }
}
