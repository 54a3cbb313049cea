import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Load } from '../lib/load.ts'
import { createProbe } from '../lib/probe-handlers.ts'
import { answer } from '../lib/rpc.ts'
import { scriptedLines } from '../lib/scripted.ts'

/**
 * The least that a Node server can do for many subscribers of the same events: `node:http` for the head of the
 * response, then one shared buffer, framed once, written to each socket. What becomes ready while a round of writes is
 * going on goes out with the next as one buffer. The events are the scripted agent's, as the service's are. No store, no
 * cursor, no backpressure but the slowest socket's.
 */

/** As the service's pages: what is written at once. */
const MOST_BYTES = 256 * 1024

const sockets = new Set<Socket>()
let history: Buffer[] = []
let pending: Buffer[] = []
let pendingBytes = 0
let count = 0
let keepsHistory = false

const server = createServer({ noDelay: true }, (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  response.flushHeaders()
  const { socket } = response
  if (socket === null) return
  const last = Number(request.headers['last-event-id'] ?? 0)
  if (last < history.length) socket.write(chunk(Buffer.concat(history.slice(last))))
  sockets.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => sockets.delete(socket))
})

const handlers = {
  ...createProbe(),

  async listen(options: { keepsHistory: boolean }): Promise<number> {
    keepsHistory = options.keepsHistory
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },

  /** Forgets the load before: whoever connects now is not to get it. */
  clear(): void {
    history = []
    count = 0
  },

  /** Sends a load; the numbers of its events begin with 1. Answers at once. */
  go(load: Load): void {
    void (load.rate === 0 ? flood(load) : pace(load))
  },
}

export type Loop = typeof handlers

answer(handlers)

/** As fast as the sockets take it. */
async function flood(load: Load): Promise<void> {
  for await (const line of scriptedLines(load)) {
    push(line)
    if (pendingBytes >= MOST_BYTES) await writeAll()
  }
  await writeAll()
}

/** At its times: at once when the loop is idle, else not before as much time has passed as the last round took. */
async function pace(load: Load): Promise<void> {
  let notBefore = 0
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    timer = undefined
    const start = performance.now()
    const frame = take()
    for (const socket of sockets) socket.write(frame)
    const end = performance.now()
    notBefore = end + (end - start)
  }
  for await (const line of scriptedLines(load)) {
    push(line)
    const wait = notBefore - performance.now()
    if (wait <= 0 && timer === undefined) flush()
    else timer ??= setTimeout(flush, wait)
  }
}

function push(line: string): void {
  const frame = Buffer.from(`id: ${++count}\ndata: ${line}\n\n`, 'latin1')
  pending.push(frame)
  pendingBytes += frame.length
}

async function writeAll(): Promise<void> {
  if (pending.length === 0) return
  const frame = take()
  const full = [...sockets].filter((socket) => !socket.write(frame))
  await Promise.all(full.map((socket) => once(socket, 'drain').catch(() => {})))
}

function take(): Buffer {
  // Only now: whoever connects while a frame is pending gets it with the others.
  if (keepsHistory) history.push(...pending)
  const frame = chunk(Buffer.concat(pending))
  pending = []
  pendingBytes = 0
  return frame
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, Buffer.from('\r\n')])
}
