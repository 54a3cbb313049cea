import { once } from 'node:events'
import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { clockOriginUs } from '../lib/clock.ts'
import { eventLine, type Load, paced } from '../lib/load.ts'
import { answer } from '../lib/rpc.ts'

/**
 * The least that durable delivery takes: an event is written to a file, `fdatasync` says that it is on the disk, and it
 * goes out on a socket. No thread, no database, no HTTP.
 */
const server = createServer({ noDelay: true })

const handlers = {
  clockOriginUs,

  async listen(): Promise<number> {
    server.on('connection', (socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      reader = socket
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },

  go({ file, load }: { file: string; load: Load }): void {
    void send(openSync(file, 'a'), load)
  },
}

let reader: Socket | undefined

export type Echo = typeof handlers

answer(handlers)

async function send(file: number, load: Load): Promise<void> {
  for await (const n of paced(load)) {
    const line = eventLine(n, load.size)
    writeSync(file, `${line}\n`)
    fdatasyncSync(file)
    reader?.write(`id: ${n + 1}\ndata: ${line}\n\n`, 'latin1')
  }
}
