import type { IncomingMessage } from 'node:http'
import type { SchemaName } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import type { z } from 'zod'

type Schemas = typeof import('@claude-proxy/protocol/requests')
type Read<N extends SchemaName> = z.output<Schemas[N]>

/** The JSON body of a request, read by the schema of this name. */
export async function readBody<N extends SchemaName>(
  request: IncomingMessage,
  name: N,
  atMostBytes: number,
): Promise<Read<N>> {
  checkContentType(request)
  const text = await readText(request, atMostBytes)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new AppError('bad_request', 'The body is not valid JSON.', {}, { cause })
  }
  if (isDeep(body)) throw new AppError('bad_request', `The body is nested deeper than ${DEEPEST} levels.`)
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AppError('bad_request', 'The body has to be a JSON object.')
  return parse(name, body)
}

/** The same, where a request without a body asks for what is usual. */
export async function readOptionalBody<N extends SchemaName>(
  request: IncomingMessage,
  name: N,
  atMostBytes: number,
): Promise<Read<N>> {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return length === '0' && coding === undefined ? parse(name, {}) : readBody(request, name, atMostBytes)
}

/** The query of `url`, read by the schema of this name. A plus is a plus: clients do not encode it. */
export async function readQuery<N extends SchemaName>(url: string | undefined, name: N): Promise<Read<N>> {
  const [, query = ''] = /\?([^#]*)/.exec(url ?? '') ?? []
  const fields: Record<string, string> = {}
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=')
    if (at > 0) fields[decode(pair.slice(0, at))] ??= decode(pair.slice(at + 1))
  }
  return parse(name, fields)
}

/** `value` as the schema of this name reads it; what does not fit is told in a sentence. */
export async function parse<N extends SchemaName>(name: N, value: unknown): Promise<Read<N>> {
  // Loaded by the first request that has something to read: zod alone takes longer than a whole start of the service.
  // What could not be loaded now, for want of file handles, say, is loaded by the next.
  schemas ??= await import('@claude-proxy/protocol/requests')
  const schema: z.ZodType = schemas[name]
  const read = schema.safeParse(value, { reportInput: true })
  if (read.success) return read.data as Read<N>
  throw new AppError('bad_request', describe(read.error.issues))
}

let schemas: Schemas | undefined

/** What a Content-Type names, without its parameters. */
export function mediaTypeOf(contentType: string): string {
  return contentType.replace(/;.*/, '').trim().toLowerCase()
}

/**
 * A page can send a form or plain text anywhere without being asked first (Fetch standard, "CORS-safelisted
 * content-type"). `curl -d` calls its JSON a form; without the marks of a browser that is fine.
 */
function checkContentType({ headers }: IncomingMessage): void {
  const type = mediaTypeOf(headers['content-type'] ?? 'application/json')
  if (type === 'application/json' || type.endsWith('+json')) return
  const fromBrowser =
    headers.origin !== undefined || headers['sec-fetch-site'] !== undefined || headers.referer !== undefined
  if (type === 'application/x-www-form-urlencoded' && !fromBrowser) return
  throw new AppError('unsupported_media_type', `Send the body as application/json, not as ${type}.`)
}

async function readText(request: IncomingMessage, atMostBytes: number): Promise<string> {
  const bytes = await readBytes(request, atMostBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('bad_request', 'The body is not valid UTF-8.', {}, { cause })
  }
}

/** Waits for the end of a body that nobody wants: until then the request may turn out to be none. */
export async function passOver(request: IncomingMessage, atMostBytes: number): Promise<void> {
  const { 'transfer-encoding': coding, 'content-length': length } = request.headers
  if (coding !== undefined || Number(length ?? 0) > 0) await readBytes(request, atMostBytes)
}

/** By hand: the iterator of a stream stays in memory as long as its connection, which may be hours. */
function readBytes(request: IncomingMessage, atMostBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const tooLarge = () => reject(new AppError('payload_too_large', `The body is larger than ${atMostBytes} bytes.`))
  if (Number(request.headers['content-length'] ?? 0) > atMostBytes) {
    tooLarge()
    return promise
  }
  let parts: Buffer[] = []
  let size = 0
  const take = (part: Buffer) => {
    size += part.length
    if (size <= atMostBytes) parts.push(part)
    else finish(tooLarge)
  }
  const whole = () => finish(() => resolve(Buffer.concat(parts)))
  // The client has gone; nobody hears this.
  const torn = (cause?: unknown) =>
    finish(() => reject(new AppError('bad_request', 'The body did not arrive whole.', {}, { cause })))
  request.on('data', take).on('end', whole).on('error', torn).on('close', torn)
  return promise

  function finish(settle: () => void): void {
    request.off('data', take).off('end', whole).off('close', torn).off('error', torn)
    settle()
    parts = []
  }
}

const DEEPEST = 100

/** Whether `value` is nested so deeply that whoever walks it by recursion runs out of stack. */
function isDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; depth <= DEEPEST && level.length > 0; depth++) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
  }
  return level.length > 0
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new AppError('bad_request', `The query is not well encoded: ${text}`, {}, { cause })
  }
}

function describe(issues: readonly z.core.$ZodIssue[]): string {
  const [issue] = issues
  if (!issue) return 'The request is not understood.'
  const name = issue.path.join('.') || 'the request'
  if (issue.code === 'invalid_type' && issue.input === undefined) return `${name} is required.`
  if (issue.code === 'invalid_type') return `${name} has to be of type ${issue.expected}.`
  if (issue.code === 'invalid_value') return `${name} has to be one of ${issue.values.map(String).join(', ')}.`
  return `${name} ${issue.message}.`.replace(/\.\.$/, '.')
}
