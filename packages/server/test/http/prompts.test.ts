import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { call, type Received, replay, stream, streamAll } from '../support/client.ts'
import { rawPost } from '../support/raw.ts'
import { startTestService } from '../support/service.ts'
import { activate, decide, events, postStream, questionOf, resultsOf, textsOf } from './calls.ts'
import { expectError, expectWholeRuns } from './expectations.ts'

/** No prompt is lost, and no event is hidden. */

test('B1: of many different prompts at once one runs, and every other is told so', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  for (const round of [1, 2, 3]) {
    const before = round === 1 ? 0 : (await replay(service.base, 'race')).length
    // The winner goes on until all others have been answered.
    const attempts = Array.from({ length: 20 }, (_, n) =>
      stream(service.base, { conversation_id: 'race', cwd, text: `Prompt ${round}.${n} @ask` }, before),
    )
    const outcomes = await Promise.allSettled(attempts)
    const winners = outcomes.flatMap((outcome, n) =>
      outcome.status === 'fulfilled' ? [{ n, run: outcome.value }] : [],
    )
    expect(winners).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ status: 409, json: { error: 'conversation_already_running' } })
    }
    const [winner] = winners
    if (!winner) throw new Error('nobody won')
    await decide(service, 'race', cwd, await questionOf(winner.run), { behavior: 'allow' })
    const received = await winner.run.ended
    expectWholeRuns(received, 1, before + 1)
    expect(textsOf(received, 'user')).toEqual([`Prompt ${round}.${winner.n} @ask`])
  }
  expect(resultsOf(await replay(service.base, 'race'))).toHaveLength(3)
})

test('B1: of many ids at once one gets the folder', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const bodies = Array.from({ length: 20 }, (_, n) => ({ conversation_id: `id-${n}`, cwd, text: `${n} @hang` }))
  const outcomes = await Promise.allSettled(bodies.map((body) => stream(service.base, body)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue
    expect(outcome.reason).toMatchObject({ status: 409, json: { error: 'agent_folder_busy' } })
    expectError(await events(service, `id-${n}`), 404, 'conversation_unknown')
  }
})

test('B1: the same prompt at once, many times, is one run that all of them see', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'same', cwd: service.folder(), text: 'Do it @ask' }
  const streams = await Promise.all(Array.from({ length: 20 }, () => stream(service.base, body)))
  const [first] = streams
  if (!first) throw new Error('no stream')
  await decide(service, 'same', body.cwd, await questionOf(first), { behavior: 'allow' })
  const received = await first.ended
  expectWholeRuns(received, 1)
  for (const one of streams) expect(await one.ended).toEqual(received)
})

test('B2: a cursor of another conversation does not hide the new run', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const old = await streamAll(service.base, { conversation_id: 'old', cwd, text: '@load n=50 rate=0' })
  await activate(service, 'new', cwd)
  const first = await streamAll(service.base, { conversation_id: 'new', cwd, text: 'hello' }, old.length)
  expectWholeRuns(first, 1)
  // Beyond the end of a history that is there, it counts as the end.
  const second = await streamAll(service.base, { conversation_id: 'new', cwd, text: 'again' }, old.length)
  expectWholeRuns(second, 1, first.length + 1)
})

test('B2: a cursor of another conversation does not hide what follows from who attaches', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'new', cwd: service.folder() }
  const running = await stream(service.base, { ...body, text: '@ask' })
  const question = await questionOf(running)
  const at = running.received.at(-1)?.id ?? 0
  const attached = await stream(service.base, body, 5000)
  await decide(service, 'new', body.cwd, question, { behavior: 'allow' })
  const received = await attached.ended
  expect(received[0]?.id).toBe(at + 1)
  expect(received.at(-1)?.event.type).toBe('result')
})

test.each(['scripted', 'claude'] as const)(
  'B3: with %s, the next prompt in the very moment of the result is not refused',
  async (agent) => {
    await using service = await startTestService({ agent })
    const body = { conversation_id: 'quick', cwd: service.folder() }
    let running = await stream(service.base, { ...body, text: 'Prompt 0' })
    for (let n = 1; n <= 10; n++) {
      const { id } = await running.until(({ event }) => event.type === 'result')
      running = await stream(service.base, { ...body, text: `Prompt ${n}` }, id)
    }
    await running.ended
    const all = await replay(service.base, 'quick')
    expectWholeRuns(all, 11)
    expect(textsOf(all, 'user')).toEqual(Array.from({ length: 11 }, (_, n) => `Prompt ${n}`))
  },
)

test('B3: activate in the very moment of the result is not refused', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  for (let n = 0; n < 10; n++) {
    const running = await stream(service.base, { conversation_id: `id-${n}`, cwd, text: 'hello' })
    await running.until(({ event }) => event.type === 'result')
    expect(await activate(service, `id-${n + 1}`, cwd)).toMatchObject({ status: 200 })
  }
})

test('B5: who attaches when the run has just ended gets the tail and not an error', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'just', cwd: service.folder() }
  for (let n = 0; n < 10; n++) {
    const head = n === 0 ? 0 : (await replay(service.base, 'just')).length
    const running = await stream(service.base, { ...body, text: `Prompt ${n} @ask` }, head)
    const question = await questionOf(running)
    const at = running.received.at(-1)?.id ?? 0
    // Somewhere between the answer and the end.
    const [, tail] = await Promise.all([
      decide(service, 'just', body.cwd, question, { behavior: 'allow' }),
      streamAll(service.base, body, at),
    ])
    expect([...running.received.slice(0, at - head), ...tail]).toEqual(await running.ended)
  }
})

test('B6: large events are whole for every reader, however they come', async () => {
  await using service = await startTestService()
  const large = '@load n=3 size=1000000 rate=40'
  const body = { conversation_id: 'large', cwd: service.folder() }
  const first = await stream(service.base, { ...body, text: `${large} @ask ${large}` })
  const question = await questionOf(first)
  // Half of it is history for them, half of it is new.
  const readers = await Promise.all([0, 1, 2, 3].map((after) => stream(service.base, body, after)))
  await decide(service, 'large', body.cwd, question, { behavior: 'allow' })
  const replays: (readonly Received[])[] = []
  while (resultsOf(first.received).length === 0) replays.push(await replay(service.base, 'large'))
  const received = await first.ended
  expectWholeRuns(received, 1)
  expect(received.filter(({ data }) => data.length > 990_000)).toHaveLength(6)
  for (const [after, reader] of readers.entries()) expectSame(await reader.ended, received.slice(after))
  for (const one of replays) expectSame(one, received.slice(0, one.length))
  expectSame(await replay(service.base, 'large'), received)
})

test('B6: a prompt of a megabyte is an event like any other', async () => {
  await using service = await startTestService()
  const text = '0123456789abcdé\n'.repeat(65_536)
  const received = await streamAll(service.base, { conversation_id: 'prompt', cwd: service.folder(), text })
  expect(textsOf(received, 'user')[0] === text).toBe(true)
  expectSame(await replay(service.base, 'prompt'), received)
})

test('B10: a reader that takes nothing keeps nobody else from reading', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'stalled', cwd: service.folder(), text: '@load n=40 size=500000 rate=0' }
  const stalled = connect(Number(new URL(service.base).port), '127.0.0.1')
  stalled.pause().write(rawPost('/v1/agent/stream', JSON.stringify(body)))
  const received = await streamAll(service.base, body)
  expectWholeRuns(received, 1)
  expect(received.filter(({ data }) => data.length > 490_000)).toHaveLength(40)
  stalled.destroy()
})

test('a message of a run that ended is not taken for the next one', async () => {
  await using service = await startTestService()
  const body = { conversation_id: 'twice', cwd: service.folder(), text: 'the same words' }
  const first = await streamAll(service.base, body)
  // At rest the same text is a prompt again.
  const second = await streamAll(service.base, body, first.length)
  expectWholeRuns(second, 1, first.length + 1)
  expect(await postStream(service, { ...body, text: ' ' })).toMatchObject({ status: 400 })
  expect((await call(`${service.base}/healthz`)).status).toBe(200)
})

/** Compares whole events, but prints only where they begin to differ: they are megabytes. */
function expectSame(found: readonly Received[], wanted: readonly Received[]): void {
  expect(found.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id))
  expect(found.filter(({ data }, n) => wanted[n]?.data !== data).map(({ id }) => id)).toEqual([])
}
