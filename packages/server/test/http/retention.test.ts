import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { made, PATIENCE, run } from './conversation-calls.ts'

test('a service that keeps so much deletes what is beyond, says so to the log, and closes what watches it', async () => {
  await using service = await startTestService({ config: { retainMegabytes: 2 } })
  const cwd = service.folder()
  const ids: string[] = []
  for (let n = 0; n < 4; n++) {
    const id = await made(service, cwd)
    await run(service, id, '@load n=1000 rate=0 size=1000')
    ids.push(id)
  }
  const [first = '', , , last = ''] = ids
  await call(`${service.base}/v1/conversations/${last}`, { method: 'PATCH', body: { archived: true } })
  const statuses = () =>
    Promise.all(ids.map(async (id) => (await call(`${service.base}/v1/conversations/${id}`)).status))
  expect(await statuses()).toEqual([200, 200, 200, 200])
  await service.restart()
  // What was put away goes before what is older.
  await expect.poll(async () => (await statuses())[3], PATIENCE).toBe(404)
  await expect.poll(async () => (await statuses())[0], PATIENCE).toBe(404)
  expect((await statuses())[2]).toBe(200)
  const usage = (await call(`${service.base}/v1/usage`)).json
  expect(usage?.['total']).toMatchObject({ runs: 4 })
  expect((await call(`${service.base}/v1/conversations/${first}`)).json).toMatchObject({
    error: 'conversation_unknown',
  })
  expect(service.complaints).toEqual([])
})
