import { accessSync, constants } from 'node:fs'
import { type Config, ConfigError, NO_HOST } from '../../config.ts'
import { reachOf } from '../../setup/reach.ts'
import type { Said } from './options.ts'
import { oneLine } from './screen.ts'

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
  return config.socket !== '' && mayOpen(config.socket) ? atSocket(config.socket) : reached(config)
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

function atSocket(socket: string): Address {
  return reached({ host: NO_HOST, port: 0, socket, tlsCert: '' })
}

function reached(doors: Parameters<typeof reachOf>[0]): Address {
  const reach = reachOf(doors)
  const { place } = reach
  if (place.startsWith('http:')) return atUrl(place)
  return {
    shown: place,
    baseUrl: place.startsWith('unix:') ? 'http://localhost' : place,
    async fetch(input, init) {
      const asked = new Request(input, init)
      const { pathname, search } = new URL(asked.url)
      const body = asked.body && new Uint8Array(await asked.arrayBuffer())
      const { method, headers, signal } = asked
      return reach.fetch(pathname + search, {
        method,
        headers: Object.fromEntries(headers),
        signal,
        ...(body && { body }),
      })
    },
  }
}

/** The socket is its owner's alone. */
function mayOpen(socket: string): boolean {
  try {
    accessSync(socket, constants.W_OK)
    return true
  } catch {
    return false
  }
}
