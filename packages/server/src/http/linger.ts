import type { Socket } from 'node:net'

export interface LingerLimits {
  /** How long a client that has been sent everything may take to close. */
  readonly ms: number
  /** What is read of it meanwhile. */
  readonly bytes: number
  /** How many may take their time at once. Beyond it, the one that has had most of it goes. */
  readonly sockets: number
}

const LIMITS: LingerLimits = { ms: 5000, bytes: 32 * 1024 * 1024, sockets: 512 }

export type Leave = (socket: Socket) => void

/**
 * How connections are closed: what was written is sent, our side is ended, and what the client still sends is read for a
 * moment, though nobody wants it (RFC 9112, section 9.6). To close with something unread is to reset the connection, and
 * that takes from the client what it has not read yet.
 */
export function createLinger({ ms, bytes, sockets }: LingerLimits = LIMITS) {
  const leaving = new WeakSet<Socket>()
  /** Those that have been sent everything, the oldest first. */
  const lingering = new Set<Socket>()
  let isStopping = false

  return {
    /** Has Node close this connection as described: what it calls after the last answer is replaced. */
    adopt: (socket: Socket): void => {
      socket.destroySoon = destroySoon
    },

    leave,
    deafen,

    /** Breaks what lingers, and has no more of it: a stop does not wait for who has its answer. */
    stop(): void {
      isStopping = true
      for (const socket of lingering) socket.destroy()
    },
  }

  // One for all: there may be thousands of connections.
  function destroySoon(this: Socket): void {
    leave(this)
  }

  /** Ends the connection when all is sent. Nothing that comes on it from now on is taken for a request. */
  function leave(socket: Socket): void {
    if (socket.destroyed || leaving.has(socket)) return
    leaving.add(socket)
    deafen(socket)
    socket.end(() => linger(socket))
  }

  /** Nothing that comes from now on is taken for a request. That it ends is noticed. */
  function deafen(socket: Socket): void {
    if (socket.destroyed) return
    const most = socket.bytesRead + bytes
    // The parser's own listener among them.
    socket.removeAllListeners('data').on('data', () => {
      if (socket.bytesRead > most) socket.destroy()
    })
    // Node pauses what nobody takes. The stream does not know, as the parser has read past it.
    socket.resume()._read(0)
  }

  function linger(socket: Socket): void {
    if (isStopping) socket.destroy()
    if (socket.destroyed) return
    const end = setTimeout(() => socket.destroy(), ms).unref()
    lingering.add(socket)
    socket.once('close', () => {
      clearTimeout(end)
      lingering.delete(socket)
    })
    if (lingering.size > sockets) oldest(lingering)?.destroy()
  }
}

function oldest<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item
  return undefined
}
