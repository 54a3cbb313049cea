import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** The address that a client comes back to, whatever port the service has now, over connections that break. */
export async function startDoor(service: { readonly base: string }) {
  const sockets = new Set<Socket>()
  let isOpen = true
  /** How many bytes a connection lives for. */
  let life = () => Number.POSITIVE_INFINITY
  const server = createServer((socket) => {
    if (!isOpen) {
      socket.destroy()
      return
    }
    const far = connect(Number(new URL(service.base).port), '127.0.0.1')
    let left = life()
    far.on('data', (bytes: Buffer) => {
      socket.write(bytes.subarray(0, left))
      left -= bytes.length
      // What was written goes out before the end.
      if (left <= 0) socket.destroySoon()
    })
    far.on('end', () => socket.end())
    socket.pipe(far)
    for (const [one, other] of [
      [socket, far],
      [far, socket],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroySoon()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    open: (is: boolean) => void (isOpen = is),
    /** From now on each connection breaks after so many bytes of answers. */
    cutAfter: (bytes: () => number) => void (life = bytes),
  }
}
