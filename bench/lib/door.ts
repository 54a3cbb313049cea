import { createServer, request as send } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { startScriptedModel } from '@claude-proxy/scripted-model/model'
import { machineMs } from './clock.ts'

/** The scripted Messages API behind a door that notes when a request comes in, and passes it on. */
export interface Door extends AsyncDisposable {
  readonly url: string
  /** When the first request came that holds `mark`, past or to come, on the machine's clock. */
  arrival(mark: string): Promise<number>
}

const PATIENCE_MS = 60_000

export async function openDoor(): Promise<Door> {
  const model = await startScriptedModel()
  const waiting = new Map<string, PromiseWithResolvers<number>>()

  const server = createServer((request, response) => {
    const at = machineMs()
    response.on('error', () => {})
    void buffer(request).then((body) => {
      const text = body.toString('latin1')
      for (const [mark, { resolve }] of waiting) if (text.includes(mark)) resolve(at)
      const { method = 'GET', url = '/', headers } = request
      const onward = send(`${model.url}${url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      onward.on('error', () => response.destroy())
      onward.end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrival(mark) {
      const found = Promise.withResolvers<number>()
      waiting.set(mark, found)
      const timer = setTimeout(() => found.reject(new Error(`no request with ${mark} came in`)), PATIENCE_MS)
      return found.promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(mark)
      })
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await model.close()
    },
  }
}
