import * as fc from 'fast-check'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { FeedPlace } from '@claude-proxy/protocol/feed'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import { connect } from '../../src/store/sqlite/open.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { allLines, feedAfter } from '../contract/samples.ts'
import { startChild } from './child.ts'
import { silent, temporaryDir } from './temporary.ts'

const CONVERSATIONS = 4

it('kill -9 loses no event that was acknowledged, and gives no number twice', async () => {
  const dataDir = temporaryDir()
  const acknowledged = new Map<string, number>()
  const reader: FeedReader = { place: undefined, read: new Map() }
  const [moments = []] = fc.sample(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 6, maxLength: 6 }), 1)
  for (const moment of moments) {
    await killAfter(moment, dataDir, acknowledged)
    await expectEverything(dataDir, acknowledged, `killed after ${moments.join(', ')} appends`)
    await expectFeed(dataDir, reader, `killed after ${moments.join(', ')} appends`)
  }
})

/** Lets a child append, in the directory that the one before left behind, and kills it after so many acknowledgements. */
async function killAfter(moment: number, dataDir: string, acknowledged: Map<string, number>): Promise<void> {
  const child = startChild('append-child.ts', [dataDir, String(CONVERSATIONS)])
  let seen = 0
  const reached = Promise.withResolvers<undefined>()
  child.lines.on('line', (line) => {
    const [conversation = '', last] = line.split(' ')
    acknowledged.set(conversation, Number(last))
    if (++seen === moment) reached.resolve(undefined)
  })
  child.lines.on('close', () => reached.resolve(undefined))
  await reached.promise
  await child.kill()
  expect(seen).toBeGreaterThanOrEqual(moment)
}

async function expectEverything(dataDir: string, acknowledged: Map<string, number>, when: string): Promise<void> {
  expectIntegrity(dataDir)
  const store = await openSqliteStore({ dataDir, log: silent })
  for (const [name, last] of acknowledged) {
    const id = ConversationId.parse(name)
    const numbers = (await allLines(store, id, 256 * 1024)).map((line) => JSON.parse(line).n)
    expect(numbers.length, `${name}, ${when}`).toBeGreaterThanOrEqual(last)
    expect(numbers, `${name}, ${when}`).toEqual(numbers.map((_, index) => index + 1))
    expect(await store.conversation(id)).toMatchObject({ head: numbers.length })
  }
  await store.close()
}

interface FeedReader {
  place: FeedPlace | undefined
  readonly read: Map<ConversationId, string[]>
}

/** Reads the feed on from where it was before the last kill: of each conversation that is all there is, once, in order. */
async function expectFeed(dataDir: string, reader: FeedReader, when: string): Promise<void> {
  const store = await openSqliteStore({ dataDir, log: silent })
  if (reader.place) expect(await store.feedKnows(reader.place), when).toBe(true)
  const { events, end } = await feedAfter(store, reader.place)
  reader.place = end
  for (const { conversation, number, line } of events) {
    const read = reader.read.get(conversation) ?? []
    reader.read.set(conversation, read)
    expect(number, `${conversation}, ${when}`).toBe(read.push(line))
  }
  for (const [id, read] of reader.read) expect(read, when).toEqual(await allLines(store, id))
  await store.close()
}

function expectIntegrity(dataDir: string): void {
  const db = connect(join(dataDir, 'claude-proxy.db'))
  try {
    expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([])
  } finally {
    db.close()
  }
}
