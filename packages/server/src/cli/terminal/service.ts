import { type AnswerTo, ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { AppError, type ErrorBody } from '@claude-proxy/protocol/errors'

/** The service, as a command talks to it. */
export interface Service {
  readonly base: string
  /** Calls a door. Throws `AppError` when it is refused, `Unreachable` when nobody answers. */
  call<N extends EndpointName>(name: N, asking?: Asking): Promise<AnswerTo<N>>
  /** The same for doors whose answer is no JSON. */
  open(name: EndpointName, asking?: Asking): Promise<Response>
}

interface Asking {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | undefined>>
  /** JSON; bytes go as they are. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

type Call = (url: URL, sent: Sent) => Promise<Response>

interface Sent {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
}

/** Nobody answers there. */
export class Unreachable extends Error {}

/** `call` and `place`: for what the global fetch cannot reach, such as a socket, or a certificate of one's own. */
export function connect(base: string, token: string, call: Call = fetch, place = base): Service {
  const service: Service = {
    base,
    async call(name, asking) {
      const response = await service.open(name, asking)
      return (await response.json()) as never
    },
    async open(name, { path = {}, query = {}, body, headers = {}, signal } = {}) {
      const { method, path: template } = ENDPOINTS[name]
      const filled = template.replaceAll(/:(\w+)/g, (_, part: string) => encodeURIComponent(path[part] ?? ''))
      const url = new URL(base + filled)
      for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, value)
      // URLSearchParams writes a blank as a plus, and the service takes a plus for a plus.
      url.search = url.search.replaceAll('+', '%20')
      const isFile = body instanceof Uint8Array
      const sent = {
        method,
        headers: {
          'User-Agent': 'claude-proxy-cli',
          ...(body !== undefined && { 'Content-Type': isFile ? 'application/octet-stream' : 'application/json' }),
          ...(token !== '' && { Authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body !== undefined && { body: isFile ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
        ...(signal && { signal }),
      }
      const response = await call(url, sent).catch((cause: unknown) => {
        if (signal?.aborted) throw cause
        throw new Unreachable(`Nobody answers at ${place}. Is the service running? --url or --host says where it is.`, {
          cause,
        })
      })
      if (!response.ok) throw await errorOf(response, place)
      return response
    },
  }
  return service
}

async function errorOf(response: Response, place: string): Promise<Error> {
  const text = await response.text().catch(() => '')
  try {
    const { error, message, ...details } = JSON.parse(text) as ErrorBody
    if (typeof error === 'string' && typeof message === 'string') return new AppError(error, message, details)
  } catch {
    // It was somebody else who answered.
  }
  return new Unreachable(`Not the service answered at ${place}, but somebody with status ${response.status}.`)
}
