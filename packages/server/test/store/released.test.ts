import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { call, replay, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

const RELEASED = join(import.meta.dirname, 'released')
const files = readdirSync(RELEASED)

it('there is data of a release to try', () => {
  expect(files).toContain('0.1.0.db.gz')
})

it.each(files)('the data of %s is all there, and goes on where it was (scripts/keep-data.ts made it)', async (file) => {
  await using service = await startTestService()
  await service.pause(async () => {
    const database = join(service.dataDir, 'claude-proxy.db')
    mkdirSync(service.dataDir, { recursive: true })
    writeFileSync(database, gunzipSync(readFileSync(join(RELEASED, file))), { mode: 0o600 })
    for (const name of readdirSync(service.dataDir)) if (/-(wal|shm)$/.test(name)) throw new Error(`${name} is left`)
  })
  const first = await replay(service.base, 'first')
  expect(first.map(({ id }) => id)).toEqual(first.map((_, n) => n + 1))
  expect(first.filter(({ event }) => event.type === 'result')).toHaveLength(2)
  expect(await replay(service.base, 'second')).not.toEqual([])
  const { json } = await call(`${service.base}/v1/conversations/first`)
  expect(json).toMatchObject({ title: 'A name', tags: ['kept'], head: first.length, state: 'idle' })
  const next = await streamAll(service.base, { conversation_id: 'first', cwd: '/', text: '@say Four.' }, first.length)
  expect(next.map(({ id }) => id)).toEqual(next.map((_, n) => first.length + n + 1))
})
