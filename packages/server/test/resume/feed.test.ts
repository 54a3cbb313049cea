import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { newWorld, startProgram } from '../e2e/program.ts'
import { replay, stream } from '../support/client.ts'
import { byConversation, createFeedReader, type FeedEvent, type FeedReader } from '../support/feed.ts'
import { startTestService } from '../support/service.ts'

/** Many conversations on one stream: what holds for the stream of one has to hold for each of them. */

const PATIENCE = { timeout: 60_000, interval: 20 }

const cut = fc.oneof(fc.nat(3000), fc.nat(300_000))

/** Starts runs that flood their conversations, and leaves them alone. */
async function flood(base: string, folder: (name: string) => string, names: readonly string[], text: string) {
  const sent = names.map(async (name) => {
    const running = await stream(base, { conversation_id: name, cwd: folder(name), text })
    running.cut()
  })
  // A killed service does not answer.
  await Promise.allSettled(sent)
}

/** Reads on until it has the last event of all; cut where it is told, and never at all in the end. */
async function readAll(reader: FeedReader, base: () => string, cuts: readonly number[], isDone: () => boolean) {
  for (const bytes of cuts) await reader.read(base(), (got) => got >= bytes || isDone())
  while (!isDone()) await reader.read(base(), isDone)
}

async function truth(base: string, ids: readonly string[], isWanted: (type: string) => boolean = () => true) {
  const all = new Map<string, FeedEvent[]>()
  for (const conversation of ids) {
    const stored = await replay(base, conversation)
    const events = stored.map(({ id: number, data: line }) => ({ conversation, number, line }))
    all.set(
      conversation,
      events.filter(({ line }) => isWanted((JSON.parse(line) as { type: string }).type)),
    )
  }
  return all
}

/** Per conversation exactly this. All differences at once would fill pages: the first one is enough. */
function expectSame(seen: readonly FeedEvent[], expected: ReadonlyMap<string, FeedEvent[]>): void {
  const read = byConversation(seen)
  for (const [id, events] of expected) {
    const have = read.get(id) ?? []
    const wrong = events.findIndex(({ number, line }, n) => have[n]?.number !== number || have[n].line !== line)
    if (wrong >= 0) expect({ id, wrong, event: have[wrong] }).toEqual({ id, wrong, event: events[wrong] })
    expect(have.length, id).toBe(events.length)
  }
  expect([...read.keys()].toSorted()).toEqual([...expected.keys()].filter((id) => expected.get(id)?.length).toSorted())
}

const isResult = ({ line }: FeedEvent) => line.startsWith('{"type":"result"')

it('readers that break off anywhere, while the service restarts, get every event of each conversation, once, in order', async () => {
  await using service = await startTestService()
  const rounds = fc.record({
    n: fc.integer({ min: 300, max: 900 }),
    rate: fc.constantFrom(0, 1500),
    restarts: fc.boolean(),
  })
  const readers = [0, 1, 2].map(() => createFeedReader())
  const some = createFeedReader('?conversations=c-0-1,c-0-3')
  const types = createFeedReader('?types=result,user')
  const all: string[] = []
  await fc.assert(
    fc.asyncProperty(
      rounds,
      fc.array(fc.array(cut, { maxLength: 6 }), { minLength: 5, maxLength: 5 }),
      async (round, cuts) => {
        const names = [0, 1, 2, 3, 4].map((n) => `c-${all.length / 5}-${n}`)
        all.push(...names)
        await flood(
          service.base,
          (name) => service.folder(name),
          names,
          `@load n=${round.n} rate=${round.rate} size=300`,
        )
        const base = () => service.base
        const has = (reader: FeedReader, count: number) => () => reader.seen.filter(isResult).length >= count
        const reading = [...readers, types].map((reader, n) =>
          readAll(reader, base, cuts[n] ?? [], has(reader, all.length)),
        )
        if (round.restarts) await service.restart()
        await Promise.all(reading)
        await readAll(some, base, cuts[4] ?? [], has(some, 2))
        const expected = await truth(service.base, all)
        for (const reader of readers) expectSame(reader.seen, expected)
        expectSame(types.seen, await truth(service.base, all, (type) => ['result', 'user'].includes(type)))
        expectSame(some.seen, await truth(service.base, ['c-0-1', 'c-0-3']))
      },
    ),
    { numRuns: 6 },
  )
})

it('kill -9 at any moment, again and again: a reader of everything goes on where it was', async () => {
  const moments = fc.sample(
    fc.record({ after: fc.integer({ min: 0, max: 900_000 }), cuts: fc.array(cut, { maxLength: 3 }) }),
    5,
  )
  const world = await newWorld()
  const reader = createFeedReader()
  const names: string[] = []
  for (const [round, { after, cuts }] of moments.entries()) {
    const program = await startProgram(world, ['--agent', 'scripted'])
    const ours = [0, 1, 2].map((n) => `k-${round}-${n}`)
    const sent = flood(program.base, (name) => world.folder(name), ours, '@load n=1500 rate=3000 size=300')
    for (const bytes of cuts) await reader.read(program.base, (got) => got >= bytes)
    const reading = reader.read(program.base)
    let read = reader.text.length
    await expect
      .poll(
        () => {
          const isStill = reader.text.length === read
          read = reader.text.length
          return reader.text.length >= after || isStill
        },
        { ...PATIENCE, interval: 200 },
      )
      .toBe(true)
    await program.kill()
    await Promise.all([reading, sent])
    names.push(...ours)
  }
  const last = await startProgram(world, ['--agent', 'scripted'])
  const known: string[] = []
  for (const name of names)
    if (
      await replay(last.base, name).then(
        () => true,
        () => false,
      )
    )
      known.push(name)
  const context = `killed at ${JSON.stringify(moments)}`
  await readAll(
    reader,
    () => last.base,
    [],
    () => reader.seen.filter(isResult).length >= known.length,
  )
  expect(known.length, context).toBeGreaterThan(0)
  expectSame(reader.seen, await truth(last.base, known))
  expect(reader.head).not.toContain('x-proxy-reset')
}, 120_000)
