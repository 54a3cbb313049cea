import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from './random.ts'

/** What a bad line does with the bytes of one connection. */
export interface Weather {
  /** The most that is passed on at once: packets are split, and what came in several is joined. */
  readonly pieceBytes: number
  /** The pause between two pieces; 0 is none. */
  readonly pauseMs: number
  /** How the connection ends, after so many bytes of the answer. */
  readonly end?: { readonly afterBytes: number; readonly how: End }
}

/**
 * `fin`: both sides are told. `reset`: both get an RST. `vanish`: the client is gone without a word, and nobody reads
 * what the server still sends. `stall`: nothing passes any more, and both stay.
 */
export type End = 'fin' | 'reset' | 'vanish' | 'stall'

/** A line that can be bad, between clients on loopback and a server. */
export interface Proxy extends AsyncDisposable {
  /** What clients use instead of the server's own address. */
  readonly base: string
  readonly connections: number
  readonly cut: number
}

export const FAIR: Weather = { pieceBytes: 64 * 1024, pauseMs: 0 }

/** Opens a line to `target`. `weather` is asked at each connection. */
export async function openProxy(target: string, weather: () => Weather): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let connections = 0
  let cut = 0

  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections++
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    for (const [each, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      each.setNoDelay(true)
      sockets.add(each)
      each.on('error', () => other.destroy())
      each.on('close', () => sockets.delete(each))
    }
    const now = weather()
    let left = now.end?.afterBytes ?? Number.POSITIVE_INFINITY
    const end = (): boolean => {
      if (now.end === undefined || left > 0) return false
      cut++
      part(now.end.how, client, upstream)
      return true
    }
    void pass(client, upstream, now, () => false)
    void pass(upstream, client, now, (bytes) => {
      left -= bytes
      return end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
    get cut() {
      return cut
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Passes on what comes, in pieces. `taken` says after each whether the line is cut. */
async function pass(from: Socket, to: Socket, { pieceBytes, pauseMs }: Weather, taken: (bytes: number) => boolean) {
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes)
        if (to.destroyed) return
        // Asked for the pieces alone: what the receiver does not take waits at the sender.
        if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')])
        if (taken(piece.length)) return
        if (pauseMs > 0) await sleep(pauseMs)
      }
    }
    to.end()
  } catch {
    to.destroy()
  }
}

function part(how: End, client: Socket, upstream: Socket): void {
  if (how === 'fin') {
    client.destroy()
    upstream.destroy()
  } else if (how === 'reset') {
    client.resetAndDestroy()
    upstream.resetAndDestroy()
  } else if (how === 'vanish') {
    upstream.pause()
    upstream.removeAllListeners('error').on('error', () => {})
    client.removeAllListeners('close').resetAndDestroy()
  }
}

/** The weather of a bad day: each connection has its own. */
export function badWeather(random: Random, usualCutBytes: number): () => Weather {
  return () => {
    const size = random.pick(['drops', 'some', 'some', 'most', 'most', 'none'] as const)
    const afterBytes = {
      drops: random.int(0, 900),
      some: random.int(300, usualCutBytes),
      most: random.int(usualCutBytes, usualCutBytes * 10),
      none: Number.POSITIVE_INFINITY,
    }[size]
    const how = random.pick(['fin', 'fin', 'reset', 'reset', 'vanish'] as const)
    const isSlow = random.chance(0.1)
    return {
      pieceBytes: isSlow ? random.int(20, 400) : random.pick([1 + random.int(0, 60), 500, 1460, 16_384, 65_536]),
      pauseMs: isSlow ? random.int(1, 4) : 0,
      // A slow line is cut early, or its reader would be there for an hour.
      end: { afterBytes: isSlow ? Math.min(afterBytes, random.int(500, 20_000)) : afterBytes, how },
    }
  }
}
