import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createLinger, type LingerLimits } from '../../src/http/linger.ts'

const FOR_EVER: LingerLimits = { ms: 600_000, bytes: 1024 ** 4, sockets: 1000 }

/** A server that says goodbye to everybody, and clients that hear it and do not go. */
async function startLeaving(limits: Partial<LingerLimits>) {
  const linger = createLinger({ ...FOR_EVER, ...limits })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).write('goodbye')
    linger.leave(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(() => {
    linger.stop()
    server.close()
  })

  return {
    linger,
    connect: async (): Promise<Socket> => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {}).resume()
      await once(socket, 'end')
      return socket
    },
  }
}

/** Sends until the other side breaks the connection. */
async function sendUntilBroken(socket: Socket, part: string | Buffer, pauseMs: number): Promise<void> {
  const sending = setInterval(() => {
    if (!socket.writableNeedDrain) socket.write(part)
  }, pauseMs)
  // An error, which `once` would throw, comes first.
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(sending)
}

test('who goes on sending a little does not stay for longer than others', async () => {
  const { connect: come } = await startLeaving({ ms: 200 })
  await sendUntilBroken(await come(), 'x', 10)
})

test('who sends much goes at once', async () => {
  const { connect: come } = await startLeaving({ bytes: 1024 ** 2 })
  const quiet = await come()
  await sendUntilBroken(await come(), Buffer.alloc(256 * 1024), 1)
  expect(quiet.closed).toBe(false)
})

test('when too many linger, the one that has had the longest time goes', async () => {
  const { connect: come } = await startLeaving({ sockets: 2 })
  const [first, second] = [await come(), await come()]
  const third = await come()
  await sendUntilBroken(first, 'x', 10)
  expect(second.closed || third.closed).toBe(false)
})

test('one that has gone takes nobody’s place', async () => {
  const { connect: come } = await startLeaving({ sockets: 2 })
  const first = await come()
  for (let n = 0; n < 5; n++) await once((await come()).end(), 'close')
  first.write('still here')
  await come()
  expect(first.closed).toBe(false)
})

test('a stop waits for nobody', async () => {
  const { linger, connect: come } = await startLeaving({})
  const before = await come()
  linger.stop()
  await sendUntilBroken(before, 'x', 10)
  await sendUntilBroken(await come(), 'x', 10)
})
