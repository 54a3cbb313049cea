import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { call, replay } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { type Cut, type Frame, isEnd, openReader, readWithCuts } from './reader.ts'

let service: TestService
let conversations = 0

beforeAll(async () => {
  service = await startTestService()
})
afterAll(() => service[Symbol.asyncDispose]())

/** A conversation of its own, and the prompt that floods it. */
function flood(settings: string) {
  const conversation_id = `flood-${++conversations}`
  return { conversation_id, cwd: service.folder(conversation_id), text: `@load ${settings}` }
}

/** What the store holds, as the readers should have it. */
async function truth(id: string): Promise<Frame[]> {
  return (await replay(service.base, id)).map(({ id: number, data }) => ({ id: number, data }))
}

/** All differences at once would fill pages: the first one is enough. */
function expectSame(read: readonly Frame[], expected: readonly Frame[]): void {
  const at = expected.findIndex((frame, n) => frame.id !== read[n]?.id || frame.data !== read[n].data)
  if (at >= 0) expect({ at, frame: read[at] }).toEqual({ at, frame: expected[at] })
  expect(read.length).toBe(expected.length)
}

const cut: fc.Arbitrary<Cut> = fc.oneof(
  fc.record({ bytes: fc.integer({ min: 0, max: 300_000 }), frames: fc.constant(Number.POSITIVE_INFINITY) }),
  fc.record({ bytes: fc.constant(Number.POSITIVE_INFINITY), frames: fc.integer({ min: 0, max: 800 }) }),
)
const reader = fc.array(cut, { maxLength: 8 })

it('readers that break off anywhere and come back with their last id get every event, once, in order', async () => {
  const load = fc.record({ n: fc.integer({ min: 2000, max: 4000 }), size: fc.integer({ min: 200, max: 600 }) })
  await fc.assert(
    fc.asyncProperty(load, reader, fc.array(reader, { minLength: 6, maxLength: 10 }), async (run, first, others) => {
      const body = flood(`n=${run.n} size=${run.size} rate=0`)
      const starter = await openReader(service.base, body)
      await starter.read((_, frames) => frames > 0)
      const reading = [first, ...others].map((cuts) => readWithCuts(service.base, { ...body, text: undefined }, cuts))
      await starter.read()
      const reads = await Promise.all(reading)
      const expected = await truth(body.conversation_id)
      expect(expected.length).toBe(run.n + 3)
      for (const read of [starter.frames, ...reads]) expectSame(read, expected)
    }),
    { numRuns: 15 },
  )
})

it('a reader that repeats its prompt instead of its last id joins the run that it started', async () => {
  const body = flood('n=3000 size=300 rate=6000')
  const lost = await openReader(service.base, body)
  await lost.read((_, frames) => frames > 10)
  lost.cut()
  const again = await openReader(service.base, body)
  await again.read()
  expectSame(again.frames, await truth(body.conversation_id))
})

it('readers that stop reading get everything later, and nobody waits for them', async () => {
  // More than the buffers of the sockets hold, so that they really stand still.
  const body = flood('n=2500 size=8000 rate=0')
  const fast = await openReader(service.base, body)
  await fast.read((_, frames) => frames > 400)
  const attach = { ...body, text: undefined }
  const slow = await Promise.all([0, 1, 20, 300].map((after) => openReader(service.base, attach, after)))
  const never = await openReader(service.base, attach, 0)
  for (const [n, each] of slow.entries()) await each.read((_, frames) => frames >= n * 5)
  await fast.read()
  const expected = await truth(body.conversation_id)
  expectSame(fast.frames, expected)
  await Promise.all(slow.map((each) => each.read()))
  for (const [n, after] of [0, 1, 20, 300].entries()) expectSame(slow[n]?.frames ?? [], expected.slice(after))
  // It never read at all, and is still there: its bytes wait in its socket, the rest in the store.
  expect(never.frames).toHaveLength(0)
  await never.read()
  expectSame(never.frames, expected)
})

it('a replay from any number gives exactly the events after it, up to the number that its header names', async () => {
  const body = flood('n=3000 size=200 rate=4000')
  const live = await openReader(service.base, body)
  await live.read((_, frames) => frames > 0)
  const ended = live.read()
  const replays: { since: number; head: number; lines: string[] }[] = []
  const from = async (since: number) => {
    const answer = await call(`${service.base}/v1/conversations/${body.conversation_id}/events?since=${since}`)
    const lines = answer.text.split('\n').slice(0, -1)
    replays.push({ since, head: Number(answer.headers['x-proxy-last-event-id']), lines })
  }
  const some = () => fc.sample(fc.nat(3500), { numRuns: 5, seed: replays.length }).map(from)
  while (!isEnd(live.frames.at(-1))) await Promise.all(some())
  await ended
  await fc.assert(fc.asyncProperty(fc.nat(3500), from), { numRuns: 30 })
  const expected = await truth(body.conversation_id)
  expectSame(live.frames, expected)
  for (const { since, head, lines } of replays) {
    const wanted = expected.slice(since, Math.max(since, head))
    expect(lines.length, `since ${since} up to ${head}`).toBe(wanted.length)
    expect(lines.every((line, n) => line === wanted[n]?.data)).toBe(true)
  }
})

it('a reader of one run does not get events of the next', async () => {
  const body = flood('n=3000 size=3000 rate=0')
  const slow = await openReader(service.base, body)
  await slow.read((_, frames) => frames > 0)
  const first = await openReader(service.base, { ...body, text: undefined }, 0)
  await first.read()
  const second = await openReader(service.base, { ...body, text: 'And now?' })
  await second.read()
  await slow.read()
  const ends = slow.frames.filter(isEnd)
  expect(ends).toHaveLength(1)
  expect(slow.frames.at(-1)).toEqual(ends[0])
  expectSame(first.frames, slow.frames)
})

it('a reader that comes back after the end gets what it misses', async () => {
  const body = flood('n=2000 size=200 rate=0')
  const whole = await readWithCuts(service.base, body, [])
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (after) => {
      const late = await openReader(service.base, { ...body, text: undefined }, after)
      await late.read()
      expectSame(late.frames, whole.slice(after))
    }),
    { numRuns: 10 },
  )
})
