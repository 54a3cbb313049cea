import type { IncomingMessage } from 'node:http'
import { addAbortSignal } from 'node:stream'
import { AppError } from '@claude-proxy/protocol/errors'
import { mediaTypeOf } from './read.ts'

/**
 * The body of a request as it arrives. Whoever has enough may stop: the connection can still be answered. Throws when
 * `signal` aborts: of a request that was refused as no HTTP in its middle, Node tells no end.
 */
export async function* partsOf(request: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  addAbortSignal(signal, request)
  try {
    yield* request.iterator({ destroyOnReturn: false })
  } catch (cause) {
    // The client has gone; nobody hears this.
    throw new AppError('bad_request', 'The body did not arrive whole.', {}, { cause })
  }
}

/** How long the body will be; undefined when it comes in chunks. */
export function announcedLength({ headers }: IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': coding } = headers
  return coding === undefined ? Number(length ?? 0) : undefined
}

/** A form is not the file that is in it. `curl --data-binary` calls any file a form; a browser does not. */
export function checkFileType({ headers }: IncomingMessage): void {
  const type = mediaTypeOf(headers['content-type'] ?? '')
  const isForm = type.startsWith('multipart/')
  const fromBrowser = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
  if (!isForm && !(fromBrowser && type === 'application/x-www-form-urlencoded')) return
  throw new AppError(
    'unsupported_media_type',
    'Send the file as it is, not in a form: curl --data-binary @FILE, or fetch with the file as body.',
  )
}
