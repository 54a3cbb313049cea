import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { download, post, postStream, textsOf, upload, uploaded } from '../http/calls.ts'
import { expectError } from '../http/expectations.ts'
import { call, replay, stream } from '../support/client.ts'
import { newWorld, PATIENCE, startProgram, type World } from './program.ts'

const SCRIPTED = ['--agent', 'scripted']
const filesOf = ({ dataDir }: World) => readdirSync(join(dataDir, 'attachments'))

it('of uploads that a kill -9 cuts, or that were never told of, nothing is left; the others are there', async () => {
  const world = await newWorld()
  const first = await startProgram(world, SCRIPTED)
  const kept = await uploaded(first, 'kept', 'a.txt')
  const socket = connect(Number(new URL(first.base).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5000)}`)
  await expect.poll(() => filesOf(world).some((name) => name.endsWith('.part')), PATIENCE).toBe(true)
  await first.kill()
  // As after a kill between the file and its row.
  writeFileSync(join(world.dataDir, 'attachments', 'c'.repeat(32)), 'orphan')
  expect(filesOf(world)).toHaveLength(3)
  const second = await startProgram(world, SCRIPTED)
  await expect.poll(() => filesOf(world), PATIENCE).toEqual([kept])
  expect((await download(second, kept)).content.toString()).toBe('kept')
})

it('what came with prompts that no agent had yet comes with them after a kill -9', async () => {
  const world = await newWorld()
  const first = await startProgram(world, SCRIPTED)
  const place = { conversation_id: 'killed', cwd: world.folder('killed') }
  const running = await stream(first.base, { ...place, text: '@hang' })
  running.ended.catch(() => {})
  await running.until(({ event }) => event.subtype === 'init')
  const attachments = [
    { upload_id: await uploaded(first, 'one', 'one.txt') },
    { name: 'two.txt', data: Buffer.from('two!').toString('base64') },
  ]
  const sent = await post(first, '/v1/conversations/killed/messages', { text: 'Look.', attachments })
  expect(sent).toMatchObject({ status: 202, json: { outcome: 'queued' } })
  await first.kill()
  const second = await startProgram(world, SCRIPTED)
  const answer = 'Attached: one.txt (text/plain, 3 bytes), two.txt (text/plain, 4 bytes)'
  await expect.poll(async () => textsOf(await replay(second.base, 'killed')), PATIENCE).toContain(answer)
})

it('the files of a conversation that was deleted are gone, also when a kill -9 comes in between', async () => {
  const world = await newWorld()
  const first = await startProgram(world, SCRIPTED)
  const attachments = [{ upload_id: await uploaded(first, 'hello') }]
  const cwd = world.folder('deleted')
  const body = { conversation_id: 'deleted', cwd, text: 'Look.', attachments }
  await (
    await stream(first.base, body)
  ).ended
  void call(`${first.base}/v1/conversations/deleted`, { method: 'DELETE' }).catch(() => {})
  await expect.poll(async () => (await call(`${first.base}/v1/conversations/deleted`)).status, PATIENCE).toBe(404)
  await first.kill()
  await startProgram(world, SCRIPTED)
  await expect.poll(() => filesOf(world), PATIENCE).toEqual([])
})

// prlimit stands in for a full disk: files cannot grow beyond a limit, until it is lifted
it.runIf(process.platform === 'linux')(
  'a full disk refuses an upload with what to do, and keeps nothing of it',
  async () => {
    const world = await newWorld()
    const program = await startProgram(world, SCRIPTED)
    const limit = (bytes: string) =>
      execFileSync('prlimit', ['--pid', String(program.pid), `--fsize=${bytes}:unlimited`])
    const large = 'x'.repeat(900_000)
    limit('500000')
    const full = { message: expect.stringMatching(/Free some disk space/) }
    expectError(await upload(program, large), 503, 'storage_unavailable', full)
    const inline = [{ data: Buffer.from(large).toString('base64') }]
    const body = { conversation_id: 'full', cwd: world.folder('full'), text: 'Look.', attachments: inline }
    expectError(await postStream(program, body), 503, 'storage_unavailable', full)
    expect(filesOf(world)).toEqual([])
    expect((await call(`${program.base}/v1/conversations/full`)).status).toBe(404)
    limit('unlimited')
    expect((await download(program, await uploaded(program, large))).content).toHaveLength(900_000)
  },
)

it('a large upload does not make the service large, and others are answered meanwhile', async () => {
  const world = await newWorld()
  const program = await startProgram(world, [...SCRIPTED, '--max-attachment-bytes', '400000000'])
  // What the first upload of all loads is not what an upload costs.
  const first = await fetch(`${program.base}/v1/uploads`, {
    method: 'POST',
    body: Buffer.alloc(8 * 1024 * 1024, '%PDF-1.4 '),
  })
  expect(first.status).toBe(200)
  const before = residentMegabytes(program.pid)
  const piece = Buffer.alloc(1024 * 1024, '%PDF-1.4 ')
  let peak = 0
  const body = new ReadableStream({
    pull: (controller) => {
      peak = Math.max(peak, residentMegabytes(program.pid))
      if (sent++ < 80) controller.enqueue(piece)
      else controller.close()
    },
  })
  let sent = 0
  const answered = fetch(`${program.base}/v1/uploads`, { method: 'POST', body, duplex: 'half' })
  const healthy = await call(`${program.base}/healthz`)
  expect(healthy.status).toBe(200)
  expect(await (await answered).json()).toMatchObject({ media_type: 'application/pdf', bytes: 80 * 1024 * 1024 })
  expect(peak - before).toBeLessThan(60)
})

function residentMegabytes(pid: number): number {
  const [, pages = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number)
  return (pages * 4096) / 1024 ** 2
}
