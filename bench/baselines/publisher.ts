import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { clockOriginUs } from '../lib/clock.ts'
import { eventLine, type Load, paced } from '../lib/load.ts'
import { answer } from '../lib/rpc.ts'

/** Publishes a load to nchan over one connection, in order: as a process of its own, so that it lends no loop. */
const handlers = {
  clockOriginUs,

  /** Answers when everything is published. */
  async publish({ port, channel, load }: { port: number; channel: string; load: Load }): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const published = countAnswers(socket)
    let sent = 0
    for await (const n of paced(load)) {
      const line = eventLine(n, load.size)
      socket.write(
        `POST /publish?id=${channel} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${line.length}\r\n\r\n${line}`,
      )
      sent++
      await published.atLeast(sent - IN_FLIGHT)
    }
    await published.atLeast(sent)
    socket.destroy()
  },
}

/** Requests that may be on their way: enough that nchan never waits for us. */
const IN_FLIGHT = 32

export type Publisher = typeof handlers

answer(handlers)

/** Counts the answers on a connection. */
function countAnswers(socket: Socket): { atLeast(count: number): Promise<void> } {
  let counted = 0
  let rest = ''
  let waiting: { count: number; promise: PromiseWithResolvers<void> } | undefined
  const fail = (why: string) => waiting?.promise.reject(new Error(why))
  socket.on('close', () => fail('nchan closed the connection'))
  socket.on('error', ({ message }) => fail(message))
  socket.on('data', (bytes) => {
    rest += bytes.toString('latin1')
    const heads = rest.split('\r\n\r\n')
    // The body of the answer before comes first; it is a few words.
    for (const head of heads.slice(0, -1)) {
      if (/HTTP\/1\.1 20[12] /.test(head)) counted++
      else if (head.includes('HTTP/1.1 ')) fail(`nchan answered ${head.slice(-300)}`)
    }
    rest = heads.at(-1) ?? ''
    if (waiting && counted >= waiting.count) waiting.promise.resolve()
  })
  return {
    async atLeast(count) {
      if (counted >= count) return
      waiting = { count, promise: Promise.withResolvers() }
      await waiting.promise.promise
    },
  }
}
