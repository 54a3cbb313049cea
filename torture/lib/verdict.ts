import { gzipSync } from 'node:zlib'
import { STATUS } from '@claude-proxy/protocol/errors'
import type { RawRequest, RawResponse } from './raw.ts'

/** Statuses that belong to the transport and carry `bad_request`. */
const TRANSPORT = new Set([408, 417, 431])

/** What is wrong with a response, in a sentence; undefined when nothing is. `isHead`: it has no body to judge. */
export function faultOf(response: RawResponse, isHead: boolean): string | undefined {
  const { status, headers, body } = response
  if (headers['x-injected'] !== undefined) return 'a header of the response came out of the request'
  if (!/^[0-9A-Za-z.-]{5,}$/.test(headers['x-proxy-version'] ?? '')) return 'the response does not say its version'
  if (status === 200 || status === 202 || status === 204) return undefined
  if (status < 400) return `the status ${status} is in no table`
  if (headers['content-type'] !== 'application/json') return `an error of type ${headers['content-type']}`
  if (isHead) return status >= 500 && status !== 503 ? `the status ${status}` : undefined
  if (headers['content-length'] !== String(body.length)) return `an error of length ${headers['content-length']}`
  return faultOfError(status, body.toString('latin1'))
}

function faultOfError(status: number, text: string): string | undefined {
  if (!/^[\x20-\x7e]+$/.test(text)) return `an error that is not ASCII: ${JSON.stringify(text)}`
  let error: Record<string, unknown>
  try {
    error = JSON.parse(text)
  } catch {
    return `an error that is no JSON: ${text}`
  }
  const { error: code, message } = error
  if (typeof code !== 'string' || !Object.hasOwn(STATUS, code)) return `an error without a code we know: ${text}`
  if (typeof message !== 'string' || !/\S/.test(message)) return `an error without a sentence: ${text}`
  const expected: number = STATUS[code as keyof typeof STATUS]
  if (status !== expected && !(TRANSPORT.has(status) && code === 'bad_request')) return `${status} for ${code}`
  return status >= 500 && status !== 503 ? `the status ${status}: ${text}` : undefined
}

/** The exact bytes of a request, as text that can be copied. */
export function exact({ bytes }: Pick<RawRequest, 'bytes'>): string {
  if (bytes.length <= 4096) return `request (latin1): ${JSON.stringify(bytes.toString('latin1'))}`
  return `request (${bytes.length} bytes, gzip, base64): ${gzipSync(bytes, { level: 9 }).toString('base64')}`
}
