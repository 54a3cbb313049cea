import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { addressOfNode, readForwarded } from './forwarded-header.ts'

/** What a request says of the client behind a proxy, as far as the proxy may be believed. */
export interface Forwarding {
  /** The address that the client has. */
  addressOf(request: IncomingMessage): string | undefined
  /** The host that it has asked for. */
  hostOf(request: IncomingMessage): string | undefined
}

/**
 * Reads `X-Forwarded-For` and `X-Forwarded-Host` of these proxies, and of nobody else: anybody can write them. `Forwarded`
 * (RFC 7239) says the same, and counts where a proxy has written only that: one that writes the others, and does not know
 * it, passes on what its client has invented. Throws for what is neither an address nor a network.
 */
export function createForwarding(proxies: readonly string[]): Forwarding {
  const trusted = new BlockList()
  for (const proxy of proxies) add(trusted, proxy)
  const isTrusted = (address: string | undefined) => {
    const plain = plainAddress(address ?? '')
    const family = isIP(plain)
    return family !== 0 && trusted.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }

  return {
    addressOf({ headers, socket: { remoteAddress } }) {
      if (!isTrusted(remoteAddress)) return remoteAddress
      // Each proxy adds whom it has heard: from the end, the first that is no proxy of ours is as far as can be believed.
      const client = heardBy(headers).findLast((address) => !isTrusted(address))
      return client !== undefined && isIP(plainAddress(client)) !== 0 ? plainAddress(client) : remoteAddress
    },
    hostOf({ headers, socket: { remoteAddress } }) {
      if (!isTrusted(remoteAddress)) return headers.host
      return hostsOf(headers).at(-1) ?? headers.host
    },
  }
}

/** Whom the proxies have heard, each behind the one before it. */
function heardBy({ 'x-forwarded-for': usual, forwarded }: IncomingHttpHeaders): string[] {
  if (usual !== undefined) return listOf(usual)
  return readForwarded(forwarded ?? '').map((hop) => addressOfNode(hop.for ?? 'unknown'))
}

/** The hosts that the proxies were asked for. */
function hostsOf({ 'x-forwarded-host': usual, forwarded }: IncomingHttpHeaders): string[] {
  if (usual !== undefined) return listOf(usual)
  return readForwarded(forwarded ?? '').flatMap(({ host }) => host ?? [])
}

function add(list: BlockList, proxy: string): void {
  const [address = '', bits] = proxy.split('/')
  const family = isIP(address)
  const [name, longest] = family === 6 ? (['ipv6', 128] as const) : (['ipv4', 32] as const)
  const isNetwork = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= longest)
  if (family === 0 || !isNetwork) throw new Error(`${proxy} is neither an address nor a network such as 10.0.0.0/8.`)
  if (bits === undefined) list.addAddress(address, name)
  else list.addSubnet(address, Number(bits), name)
}

/** A socket for both families tells of IPv4 as IPv6. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

function listOf(header: string | string[]): string[] {
  const items = [header].flat().flatMap((line) => line.split(','))
  return items.map((item) => item.trim()).filter((item) => item !== '')
}
