import type { WrittenAs } from '@claude-proxy/protocol/endpoints'
import { type AnswerOf, type Arguments, type Asking, DOORS, type DoorName } from './doors.ts'
import { ask, type CallOptions, type Service } from './http.ts'
import { newId } from './ids.ts'

/** A method for each door, by its name in the table of endpoints: `client.send(id, { text }, { signal })`. */
export type Calls = {
  readonly [N in DoorName]: (...args: Arguments<N, CallOptions>) => Promise<AnswerOf<N>>
}

/** The same with everything by its name: `call('send', { path: { id }, body: { text }, signal })`. */
export type Call = <N extends DoorName>(
  name: N,
  ...[asking]: Partial<Asking<N>> extends Asking<N>
    ? [asking?: Asking<N> & CallOptions]
    : [asking: Asking<N> & CallOptions]
) => Promise<AnswerOf<N>>

export function createCall(service: Service): Call {
  return async (name, ...[asking]) => {
    const [, , form = 'json'] = DOORS[name].split(' ')
    const read = READERS[form as keyof typeof READERS]
    const { query, ...options }: Loose & CallOptions = asking ?? {}
    const since = Number(query?.['since'] ?? 0)
    return ask(service, askedOf(name, asking), (response) => read(response, since), options) as never
  }
}

/** The answer of a door as it comes, for what is too long to be held. Signal and time limit count until it begins. */
export type Open = (name: DoorName, asking?: Loose & CallOptions) => Promise<Response>

export function createOpen(service: Service): Open {
  return (name, asking) => ask(service, askedOf(name, asking), async (response) => response, asking)
}

function askedOf(name: DoorName, { path = {}, query, body }: Loose = {}) {
  const [method = '', template = ''] = DOORS[name].split(' ')
  // A prompt with a key is one prompt, however often it is sent.
  const isPrompt = name === 'send'
  return {
    method,
    path: template.replaceAll(/:(\w+)/g, (_, param: string) => encodeURIComponent(path[param] ?? '')),
    query,
    body: isPrompt ? withKey(body as WrittenAs<'Message'>) : body,
    isRepeatable: method === 'GET' || isPrompt,
  }
}

export function createCalls(call: Call): Calls {
  const method = (name: DoorName) => {
    const [verb = '', template = ''] = DOORS[name].split(' ')
    const params = [...template.matchAll(/:(\w+)/g)].map(([, param = '']) => param)
    return (...args: unknown[]) => {
      const path = Object.fromEntries(params.map((param, n) => [param, args[n]]))
      const [what, ...more] = args.slice(params.length)
      const [query, options] = name === 'upload' ? more : [undefined, more[0]]
      const taken = verb === 'GET' || verb === 'DELETE' ? { query: what } : { query, body: what }
      return call(name, { path, ...taken, ...(options as CallOptions | undefined) } as never)
    }
  }
  return Object.fromEntries((Object.keys(DOORS) as DoorName[]).map((name) => [name, method(name)])) as never
}

function withKey(message: WrittenAs<'Message'>): object {
  return { ...message, client_message_id: message.client_message_id ?? newId() }
}

interface Loose {
  readonly path?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly body?: unknown
}

const READERS = {
  json: (response: Response) => response.json(),
  document: (response: Response) => response.text(),
  file: (response: Response) => response.blob(),
  lines: async (response: Response, since: number) => {
    const lines = (await response.text()).split('\n').slice(0, -1)
    return lines.map((line, n) => ({ id: since + n + 1, event: JSON.parse(line) }))
  },
}
