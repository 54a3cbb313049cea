import { mkdtemp, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import { createBell } from '../../packages/server/src/core/log/bell.ts'
import type { Bell } from '../../packages/server/src/core/ports/outside.ts'
import type { Store } from '../../packages/server/src/core/ports/store.ts'
import { createIndexer } from '../../packages/server/src/core/search/indexer.ts'
import { parseQuery } from '../../packages/server/src/core/search/query.ts'
import { createSearch, type Search } from '../../packages/server/src/core/search/search.ts'
import { openSqliteStore } from '../../packages/server/src/store/sqlite/store.ts'
import { openSqliteSearch } from '../../packages/server/src/store/sqlite/search/search.ts'
import { alternate } from '../lib/alternate.ts'
import { atMost, type Context, type Part, type Row } from '../lib/part.ts'
import { percentile } from '../lib/stats.ts'
import { startTalk, type Talk } from '../lib/talk.ts'

const EVENTS_EACH = 1000
const LIMIT_MS = 50
const quiet = { info() {}, warn() {}, error: (message: string) => process.stderr.write(`${message}\n`) }

/** Finding what was said. */
export const search: Part = {
  name: 'search',
  sentence: 'full-text search over 1,000,000 events in 1000 conversations: a page of 20 hits with their snippets',

  async run(context: Context) {
    const conversations = context.brief ? 20 : 1000
    const dataDir = await mkdtemp(join(context.scratch, 'search-'))
    const talk = startTalk()
    await using opened = await open(dataDir)
    const bytes = await fill(opened.store, talk, conversations)
    const begun = performance.now()
    opened.indexer.start()
    if (!(await opened.indexer.level(3_600_000))) throw new Error('the index is not level')
    const seconds = (performance.now() - begun) / 1000
    const size = (await stat(join(dataDir, 'search.db'))).size + (await stat(join(dataDir, 'search.db-wal'))).size
    const times = context.brief ? 5 : 100
    const kinds: Record<string, () => string> = {
      'one word': () => talk.word(),
      'two words': () => `${talk.word()} ${talk.word()}`,
      'a phrase of two words': () => `"${talk.word()} ${talk.word()}"`,
      'a word of one in 50,000 events': () => 'seldom',
      'the word of all events': () => 'everywhere',
      'the beginning of a word, 3 letters': () => `${talk.word().padEnd(3, 'con').slice(0, 3)}*`,
      'the beginning of a word, 5 letters': () => `${talk.word().padEnd(5, 'conde').slice(0, 5)}*`,
    }
    const rows: Row[] = []
    for (const [kind, query] of Object.entries(kinds)) {
      const { a, b } = await alternate(
        context,
        () => measure(opened.search, query, times),
        () => scan(opened.store, 'seldom'),
      )
      const what = `${kind}: until the hits are there`
      rows.push(
        {
          what: `${what}, p50`,
          unit: 'ms',
          candidate: a.map((all) => percentile(all, 50)),
          against: 'reading all events',
          baseline: b,
        },
        { what: `${what}, p99`, unit: 'ms', candidate: a.map((all) => percentile(all, 99)), target: atMost(LIMIT_MS) },
      )
      context.say(kind)
    }
    const appended = await alternate(
      { ...context, rounds: Math.min(context.rounds, 3) },
      () => append(context, talk, true),
      () => append(context, talk, false),
    )
    return [
      ...rows,
      { what: 'size of the index, a byte of the events', unit: 'bytes', candidate: [size / bytes] },
      { what: 'making the index of all of them', unit: 's', candidate: [seconds] },
      {
        what: '100 conversations × 20 events/s: until an event is stored, p99',
        unit: 'ms',
        candidate: appended.a,
        against: 'without an index',
        baseline: appended.b,
      },
    ]
  },
}

async function open(dataDir: string) {
  const store = await openSqliteStore({ dataDir, log: quiet })
  const { index, indexer } = openIndexer(dataDir, store, createBell())
  const close = async () => {
    await indexer.close()
    await index.close()
    await store.close()
  }
  return { store, indexer, search: createSearch({ store, index, indexer }), [Symbol.asyncDispose]: close }
}

function openIndexer(dataDir: string, store: Store, bell: Bell) {
  const index = openSqliteSearch({ dataDir, log: quiet })
  const indexer = createIndexer({ store, index, bell, clock: Date, log: quiet, pauseMs: 1000, retryMs: 1000 })
  return { index, indexer }
}

/** Resolves to how many bytes of events there are. */
async function fill(store: Store, talk: Talk, conversations: number): Promise<number> {
  let bytes = 0
  for (let n = 0; n < conversations; n++) {
    const lines = Array.from({ length: EVENTS_EACH }, (_, at) => talk.line(n * EVENTS_EACH + at))
    bytes += lines.reduce((sum, line) => sum + line.length + 1, 0)
    const folder = `/bench/${n}` as Folder
    await store.importConversation({
      id: ConversationId.parse(`conversation-${n}`),
      folder,
      cwd: folder,
      group: undefined,
      sessionId: undefined,
      createdAt: 0,
      updatedAt: n,
      lines,
      canonical: true,
    })
  }
  return bytes
}

async function measure(by: Search, query: () => string, times: number): Promise<number[]> {
  const all: number[] = []
  for (let n = 0; n < times; n++) {
    const asked = parseQuery(query())
    const start = performance.now()
    await by.hits(asked, {}, undefined, 20)
    all.push(performance.now() - start)
  }
  return all
}

/** The other way to find a word: to look at every byte of every event. */
async function scan(store: Store, word: string): Promise<number> {
  const start = performance.now()
  for (const { id, head } of await store.conversations({ limit: 1_000_000 })) {
    for (let after = 0; after < head;) {
      const { lines, count } = await store.page(id, after, 256 * 1024)
      const source = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
      for (let at = source.indexOf(word); at >= 0; at = source.indexOf(word, at + 1));
      after += count
    }
  }
  return performance.now() - start
}

/** The time that an event takes to be stored, p99, while others are. */
async function append(context: Context, talk: Talk, isIndexed: boolean): Promise<number> {
  const dataDir = await mkdtemp(join(context.scratch, 'append-'))
  const store = await openSqliteStore({ dataDir, log: quiet })
  const bell = createBell()
  const indexed = isIndexed ? openIndexer(dataDir, store, bell) : undefined
  indexed?.indexer.start()
  const conversations = context.brief ? 10 : 100
  const events = context.brief ? 20 : 200
  const all: number[] = []
  await Promise.all(Array.from({ length: conversations }, (_, n) => talkOn(n)))
  await indexed?.indexer.close()
  await indexed?.index.close()
  await store.close()
  return percentile(all, 99)

  async function talkOn(n: number): Promise<void> {
    const name = ConversationId.parse(`conversation-${n}`)
    const folder = `/bench/${n}` as Folder
    const id = n.toString(16).padStart(32, '0') as RunId
    const first = talk.line(0)
    await store.beginRun({
      id,
      name,
      folder,
      cwd: folder,
      begunBy: 'client',
      text: '',
      options: {},
      line: first,
      at: 1,
    })
    const begun = performance.now() + n
    for (let at = 0; at < events; at++) {
      await sleep(Math.max(0, begun + at * 50 - performance.now()))
      const start = performance.now()
      await store.append(id, [talk.line(at)], at)
      all.push(performance.now() - start)
      bell.ring(name)
    }
  }
}
