import type { Config } from '../../config.ts'
import { ConfigError } from '../../config.ts'
import type { Said } from './options.ts'
import { oneLine } from './screen.ts'
import { fetchThrough } from './socket.ts'

/** Where a service is, and how requests get there. */
export interface Address {
  /** As a person says it: a URL, or `unix:` and the path of a socket. */
  readonly shown: string
  readonly baseUrl: string
  readonly fetch: typeof fetch
}

/** The service that is meant: what was said, else `CLAUDE_PROXY_URL`, else the one that this machine is configured for. */
export function addressOf(said: Said, config: Config, environment: NodeJS.ProcessEnv): Address {
  const [url, socket] = [said.text('url'), said.text('socket')]
  if (url !== undefined && socket !== undefined) throw new ConfigError('Give --url or --socket, not both.')
  if (socket !== undefined) return atSocket(socket)
  const named = url ?? environment['CLAUDE_PROXY_URL'] ?? ''
  if (named !== '') return atUrl(named)
  return config.socket === '' ? atUrl(ownUrl(config)) : atSocket(config.socket)
}

/** Whether somebody has said which service is meant. */
export function isNamed(said: Said, environment: NodeJS.ProcessEnv): boolean {
  const isSaid = (['host', 'url', 'socket'] as const).some((name) => said.text(name) !== undefined)
  return isSaid || (environment['CLAUDE_PROXY_URL'] ?? '') !== ''
}

export function atUrl(text: string): Address {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new ConfigError(`${oneLine(text)} is no address. It looks like http://127.0.0.1:8787.`)
  const baseUrl = (url.origin + url.pathname).replace(/\/$/, '')
  return { shown: baseUrl, baseUrl, fetch: (...args) => fetch(...args) }
}

/** By a name that every service answers to. */
function atSocket(path: string): Address {
  return { shown: `unix:${path}`, baseUrl: 'http://localhost', fetch: fetchThrough(path) }
}

/** A certificate is made out to a name, so that one is asked for. */
function ownUrl({ host, port, tlsCert }: Config): string {
  const isAnywhere = ['', '0.0.0.0', '::', '127.0.0.1', 'none'].includes(host)
  if (tlsCert !== '') return `https://${isAnywhere ? 'localhost' : bracketed(host)}:${port}`
  return `http://${isAnywhere ? '127.0.0.1' : bracketed(host)}:${port}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
