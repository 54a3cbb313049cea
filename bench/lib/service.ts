import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Probe } from './probe-handlers.ts'
import { startScript, type Helper } from './processes.ts'

/** The service under test in a process of its own, with a probe in it. */
export interface Service extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly process: Helper<Probe>
}

export interface ServiceOptions {
  readonly dataDir: string
  readonly store?: 'sqlite' | 'memory'
  readonly agent?: 'scripted' | 'claude'
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Whether memory can be measured after a collection. */
  readonly collects?: boolean
}

export const MAIN = fileURLToPath(new URL('../../packages/server/src/main.js', import.meta.url))
/** The flags of node that the program asks for in its first line. */
export const NODE_FLAGS = readFileSync(MAIN, 'utf8').split('\n', 1)[0]?.split(' ').slice(3) ?? []
const PROBE = new URL('probe.ts', import.meta.url).href

/** The options that every measured service gets. */
export function serviceArguments({ dataDir, store = 'sqlite', agent = 'scripted', flags = [] }: ServiceOptions) {
  const fixed = ['--host', '127.0.0.1', '--port', '0', '--log-level', 'warn']
  return [...fixed, '--data-dir', dataDir, '--store', store, '--agent', agent, ...flags]
}

export const LISTENING = /listening on (http:\/\/[\d.]+:(\d+))/

export async function startService(options: ServiceOptions): Promise<Service> {
  const flags = [...NODE_FLAGS, '--import', PROBE, ...(options.collects ? ['--expose-gc'] : [])]
  const env = options.env ?? { PATH: process.env['PATH'] ?? '', HOME: `${options.dataDir}-home` }
  const helper = startScript<Probe>(MAIN, { flags, args: serviceArguments(options), env })
  try {
    const [, url = '', port] = await helper.line(LISTENING)
    return { url, port: Number(port), process: helper, [Symbol.asyncDispose]: () => helper[Symbol.asyncDispose]() }
  } catch (error) {
    await helper[Symbol.asyncDispose]()
    throw error
  }
}

/** What a prompt is sent with. */
export interface Prompt {
  readonly conversation_id: string
  readonly cwd: string
  readonly text?: string
  readonly allowed_tools?: readonly string[]
}

/** `POST /v1/agent/stream` as it goes over the wire. `last` is the event the reader has; `{last}` is filled in later. */
export function streamRequest(prompt: Prompt, last: number | '{last}' = 0): string {
  const body = JSON.stringify(prompt)
  const head = [
    'POST /v1/agent/stream HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Last-Event-ID: ${last}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** `GET` as it goes over the wire. */
export function getRequest(path: string, headers: readonly string[] = []): string {
  return [`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')
}
