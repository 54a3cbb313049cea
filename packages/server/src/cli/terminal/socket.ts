import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'

/** `fetch` to whoever listens on a Unix socket: the platform's own knows none. Redirects are not followed. */
export function fetchThrough(socketPath: string): typeof fetch {
  return async (input, init) => {
    const asked = new Request(input, init)
    const { pathname, search } = new URL(asked.url)
    const body = new Uint8Array(await asked.arrayBuffer())
    const headers = Object.fromEntries(asked.headers)
    const sent = request({ socketPath, path: pathname + search, method: asked.method, headers, signal: asked.signal })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    // What breaks from now on, whoever reads the body is told.
    sent.on('error', () => {})
    const status = answer.statusCode ?? 0
    return new Response(status === 204 ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>), {
      status,
      headers: Object.entries(answer.headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
    })
  }
}
