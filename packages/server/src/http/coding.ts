import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib'
// Negotiation by RFC 9110, section 12.5.3, with all its weights; Express's own, without dependencies.
import Negotiator from 'negotiator'

const CODINGS = {
  zstd: () => createZstdCompress(),
  // The fastest step that is still smaller than gzip.
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: () => createGzip(),
} satisfies Record<string, () => Transform>

export type Coding = keyof typeof CODINGS

/** The content coding for the response, if the client asks for one that we have. */
export function codingFor({ headers }: IncomingMessage): Coding | undefined {
  if (headers['accept-encoding'] === undefined) return undefined
  const chosen = new Negotiator({ headers }).encoding([...Object.keys(CODINGS), 'identity'])
  return chosen === undefined || chosen === 'identity' ? undefined : (chosen as Coding)
}

/** Compresses what is written to it. */
export function encoder(coding: Coding): Transform {
  return CODINGS[coding]()
}
