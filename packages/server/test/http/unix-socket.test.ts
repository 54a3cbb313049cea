import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lchownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { checkPlace, makeWay } from '../../src/http/unix-socket.ts'
import { newWorld, startProgram } from '../e2e/program.ts'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { newToken } from '../support/tokens.ts'

/** A short path: there is room for about a hundred bytes. */
async function place(): Promise<string> {
  const world = await newWorld()
  const directory = world.folder('s')
  chmodSync(directory, 0o700)
  return join(directory, 'proxy.sock')
}

async function ask(socketPath: string, path: string, headers: Record<string, string> = {}) {
  const sent = request({ socketPath, path, headers }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode, json: JSON.parse(await text(response)) }
}

test('the socket answers beside the port, by any name, and is its owner’s alone', async () => {
  const path = await place()
  await using service = await startTestService({ config: { socket: path } })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect((await ask(path, '/healthz')).status).toBe(200)
  expect((await ask(path, '/v1/conversations', { host: 'whatever.example' })).status).toBe(200)
  expect((await ask(path, '/v1/conversations', { origin: 'http://evil.example' })).status).toBe(403)
  expect((await call(`${service.base}/healthz`, { headers: { host: 'whatever.example' } })).status).toBe(403)
})

test('a token is asked for there as everywhere', async () => {
  const path = await place()
  await using service = await startTestService({ config: { socket: path, host: 'none', requireToken: true } })
  expect(service.base).toBe(`unix:${path}`)
  expect((await ask(path, '/v1/conversations')).status).toBe(401)
  const { headers } = await newToken(service)
  expect((await ask(path, '/v1/conversations', headers)).status).toBe(200)
})

test('what a killed service has left behind makes way, and a stop takes the socket away', async () => {
  const path = await place()
  const world = await newWorld()
  const args = ['--agent', 'scripted', '--socket', path]
  const first = await startProgram(world, args)
  await first.kill()
  expect(existsSync(path)).toBe(true)
  const second = await startProgram(world, args)
  expect((await ask(path, '/healthz')).status).toBe(200)
  second.signal('SIGTERM')
  await second.exit
  expect(existsSync(path)).toBe(false)
})

test('a socket that somebody listens to, and a file that is none, stay where they are', async () => {
  const path = await place()
  const start = () => startTestService({ config: { socket: path } })
  const other = createServer().listen(path)
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  await expect(start()).rejects.toThrow(/Something else listens/)
  expect(existsSync(path)).toBe(true)
  const file = `${path}.txt`
  writeFileSync(file, 'mine')
  await expect(startTestService({ config: { socket: file } })).rejects.toThrow(/is no socket/)
  expect(existsSync(file)).toBe(true)
})

test('a socket whose service is too busy to answer stays where it is', async () => {
  const path = await place()
  const busy = createServer().listen({ path, backlog: 1 })
  onTestFinished(() => void busy.close())
  // In one turn, so that nobody is taken from the queue of the system meanwhile.
  const waiting = Array.from({ length: 4 }, () => connect(path).on('error', () => {}))
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy()
  })
  await expect(makeWay(path)).rejects.toThrow(/cannot be looked at/)
  expect(existsSync(path)).toBe(true)
})

test('a directory that others can write, one that is not there and a path that is too long are refused', async () => {
  const path = await place()
  const open = join(path, '..', 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  const start = (socket: string) => startTestService({ config: { socket } })
  await expect(start(join(open, 's'))).rejects.toThrow(/chmod go-w/)
  const below = join(open, 'below')
  mkdirSync(below, { mode: 0o700 })
  await expect(start(join(below, 's'))).rejects.toThrow(/chmod go-w/)
  chmodSync(open, 0o1777)
  await expect(start(join(open, 's'))).rejects.toThrow(/while the service does not run/)
  await using service = await startTestService({ config: { socket: join(below, 's') } })
  expect(existsSync(join(below, 's'))).toBe(true)
  expect(service.complaints).toEqual([])
  await expect(start(join(open, 'not', 'there'))).rejects.toThrow(/directory of the socket/)
  await expect(start(join(open, 'x'.repeat(120)))).rejects.toThrow(/may have \d+ bytes/)
  await expect(startTestService({ config: { host: 'none' } })).rejects.toThrow(/leaves nothing to listen on/)
})

test('a directory of another user is refused, and so is a link of theirs that leads to one of ours', async () => {
  const path = await place()
  const directory = dirname(path)
  const [ours, theirs] = ownersOf(directory)
  expect(checkPlace(path, ours)).toBe(false)
  expect(() => checkPlace(path, theirs)).toThrow(`belongs to another user (${ours})`)
  const link = `${directory}-link`
  symlinkSync(directory, link)
  expect(checkPlace(join(link, 'proxy.sock'), ours)).toBe(false)
  if (process.getuid?.() !== 0) return
  lchownSync(link, 12_345, 12_345)
  expect(() => checkPlace(join(link, 'proxy.sock'), ours)).toThrow(`${link} belongs to another user`)
})

/** Who has the directory, and somebody who has not. What is root's is trusted: it gets an owner, where we are root. */
function ownersOf(directory: string): [number, number] {
  if (process.getuid?.() === 0) chownSync(directory, 1234, 1234)
  const { uid } = statSync(directory)
  return [uid, uid + 1]
}
