import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { takeResponse } from './raw.ts'

/** Clients that take their time with a request. */
export interface Drips {
  /** The statuses that those got which the service has given up on. */
  readonly statuses: () => readonly number[]
  /** Resolves when the service has given up on all of them; rejects after `boundMs`. */
  readonly givenUp: (boundMs: number) => Promise<void>
  readonly stop: () => void
}

/** Opens `count` connections that send `start` and then a byte of `drop` every `everyMs`. */
export function drip(
  port: number,
  { count, start, drop, everyMs }: { count: number; start: string; drop: string; everyMs: number },
): Drips {
  const statuses: number[] = []
  const open = new Set<Socket>()
  for (let n = 0; n < count; n++) {
    const socket = connect(port, '127.0.0.1', () => socket.write(start))
    const parts: Buffer[] = []
    open.add(socket)
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', () => {})
    socket.on('close', () => {
      open.delete(socket)
      const answer = takeResponse(Buffer.concat(parts), false, true)
      if (answer) statuses.push(answer.response.status)
    })
  }
  let at = 0
  const timer = setInterval(() => {
    const byte = drop[at++ % drop.length] ?? 'x'
    for (const socket of open) if (socket.writable) socket.write(byte)
  }, everyMs)

  return {
    statuses: () => statuses,
    async givenUp(boundMs) {
      const deadline = performance.now() + boundMs
      while (open.size > 0) {
        if (performance.now() > deadline) throw new Error(`${open.size} slow clients are still waited for`)
        await sleep(100)
      }
    },
    stop() {
      clearInterval(timer)
      for (const socket of open) socket.destroy()
    },
  }
}

/** Connections that are open at the same time. */
export interface Crowd {
  readonly sockets: readonly Socket[]
  readonly leave: () => void
}

/** Opens `count` connections, `atOnce` of them at a time; rejects when one is refused. */
export async function gather(port: number, count: number, atOnce: number): Promise<Crowd> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(atOnce, count - sockets.length) }, () => connect(port, '127.0.0.1'))
    await Promise.all(some.map((socket) => once(socket, 'connect')))
    for (const socket of some) socket.on('error', () => {})
    sockets.push(...some)
  }
  return {
    sockets,
    leave() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
