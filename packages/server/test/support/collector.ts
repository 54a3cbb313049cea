import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A span as it arrives, as OTLP's JSON spells it. */
export interface ArrivedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[]
  readonly status: { readonly code?: number; readonly message?: string }
}

/** A collector of traces on loopback. */
export interface Collector extends AsyncDisposable {
  readonly url: string
  readonly spans: readonly ArrivedSpan[]
  /** What the senders said of themselves. */
  readonly resources: readonly string[]
  readonly headers: readonly IncomingHttpHeaders[]
  readonly bodies: readonly string[]
}

export async function startCollector(): Promise<Collector> {
  const bodies: string[] = []
  const headers: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    headers.push(request.headers)
    void text(request).then((body) => {
      bodies.push(`${request.method} ${request.url}\n${body}`)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sent = () =>
    bodies.flatMap(
      (body): Sent[] => (JSON.parse(body.slice(body.indexOf('\n'))) as { resourceSpans: Sent[] }).resourceSpans,
    )

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get spans() {
      return sent().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    },
    get resources() {
      return sent().flatMap(({ resource }) =>
        resource.attributes.map(({ key, value }) => `${key}=${value.stringValue}`),
      )
    },
    headers,
    bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Sent {
  readonly resource: { readonly attributes: readonly { key: string; value: { stringValue?: string } }[] }
  readonly scopeSpans: readonly { readonly spans: readonly ArrivedSpan[] }[]
}
