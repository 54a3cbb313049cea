import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { createProbe } from '../lib/probe-handlers.ts'
import { answer } from '../lib/rpc.ts'

/** Serves the files of a folder with `createReadStream`: where there is no nginx, and to see what the loop of a Node process can do. */
const handlers = {
  ...createProbe(),

  async listen(folder: string): Promise<number> {
    const server = createServer({ noDelay: true }, (request, response) => {
      const file = join(folder, basename(request.url ?? ''))
      stat(file).then(
        ({ size }) => {
          response.writeHead(200, { 'content-length': size })
          createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response)
        },
        () => response.writeHead(404).end(),
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
}

export type Files = typeof handlers

answer(handlers)
