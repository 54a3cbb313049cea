import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { AppError } from '@claude-proxy/protocol/errors'

export interface GuardRules {
  /** Whether any name will do: no browser, and so no page, comes by this way. */
  readonly anyHost?: boolean
  /** Host names, besides localhost and IP addresses, that requests may be addressed to. */
  readonly allowedHosts: readonly string[]
  /** Origins of web pages, besides our own, that may call. */
  readonly allowedOrigins: readonly string[]
}

/** Throws when the request may not come in, whoever sends it. `host`: what was asked for, before any proxy of ours. */
export function guard(headers: IncomingHttpHeaders, host: string | undefined, rules: GuardRules): void {
  checkHost(headers.host, rules)
  if (host !== headers.host) checkHost(host, rules)
  checkOrigin(headers, host, rules)
}

/**
 * Against DNS rebinding: a page whose name was pointed at 127.0.0.1 still sends its own name as Host. The port does
 * not matter, an SSH tunnel may use any; an address cannot be rebound.
 */
function checkHost(host: string | undefined, { allowedHosts, anyHost = false }: GuardRules): void {
  if (anyHost) return
  const name = hostName(host ?? '')
  const known =
    name === 'localhost' || isIP(name) !== 0 || allowedHosts.some((allowed) => allowed.toLowerCase() === name)
  if (known) return
  throw new AppError(
    'forbidden_host',
    `This service is not known as "${name}". Use localhost or an IP address, or allow the name with --allowed-hosts.`,
  )
}

/** Against web pages: a browser says where a request comes from, and other people's pages have no business here. */
function checkOrigin(headers: IncomingHttpHeaders, host: string | undefined, rules: GuardRules): void {
  const { origin } = headers
  if (origin !== undefined && !isOwnOrigin(origin, host) && !rules.allowedOrigins.includes(origin)) {
    throw new AppError(
      'forbidden_origin',
      `Pages of ${origin} may not call this service. Allow them with --allowed-origins.`,
    )
  }
  const site = headers['sec-fetch-site']
  if (origin === undefined && (site === 'cross-site' || site === 'same-site')) {
    throw new AppError('forbidden_origin', 'Pages of other sites may not call this service.')
  }
}

/** Whether what follows `Origin:` is the very address the request went to. */
export function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}

/** The name in a Host header, in lower case, without port and brackets. */
function hostName(host: string): string {
  const name = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')
  return name.toLowerCase().replace(/\.$/, '')
}
