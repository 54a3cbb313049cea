import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Answer, ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { AppError } from '@claude-proxy/protocol/errors'
import { contentType, TELLING_BYTES } from '../../core/content-type.ts'
import { readLines } from '../../core/lines.ts'
import type { Entry, OpenFile } from '../../core/ports/files.ts'
import { pathBody } from '../path-body.ts'
import { type Range, rangeOf } from '../range.ts'
import { readQuery } from '../read.ts'
import type { Routes, RoutesDeps } from '../routes.ts'
import { timestamp } from '../../core/timestamp.ts'

type Deps = Pick<RoutesDeps, 'workspace'>

/** What is sent at once of a file; more is asked for with `Range`. */
const MOST_BYTES = 16 * 1024 * 1024
const BLOCK_BYTES = 256 * 1024

/** The doors for looking at files. */
export function fileRoutes({ workspace }: Deps): Routes<'folders' | 'files' | 'file'> {
  return {
    folders: () => workspace.folders(),

    async files({ request, signal }) {
      const query = await readQuery(request.url, ENDPOINTS.files.query)
      const { cwd, hidden: withHidden = false, limit = 500, cursor } = query
      const path = pathOf(query)
      const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url')
      const { entries, isCut } = await workspace.list({ cwd, path }, { after, limit, withHidden }, signal())
      const last = isCut ? entries.at(-1) : undefined
      return {
        entries: entries.map((entry) => entryBody(entry, path)),
        next_cursor: last?.name.toString('base64url') ?? null,
      }
    },

    async file({ request, response, signal }) {
      const query = await readQuery(request.url, ENDPOINTS.file.query)
      const path = pathOf(query)
      await using file = await workspace.open({ cwd: query.cwd, path })
      const beginning = await file.read(0, TELLING_BYTES)
      const type = contentType(beginning, beginning.length === file.size)
      if (query.lines) await sendLines(response, file, type, path, query.lines, signal())
      else await sendBytes(request, response, file, type, path, signal())
      return undefined
    },
  }
}

async function sendLines(
  response: ServerResponse,
  file: OpenFile,
  type: string,
  path: Buffer,
  { first, last }: { first: number; last: number },
  signal: AbortSignal,
): Promise<void> {
  if (!type.startsWith('text/')) throw new AppError('bad_request', 'The file is no text in UTF-8: it has no lines.')
  const lines = await readLines(file, first, last, signal)
  if (!lines) throw new AppError('range_not_satisfiable', `The file has fewer than ${first} lines.`)
  setHeaders(response, file, type, path)
  response.setHeader('x-proxy-lines', `${lines.first}-${lines.last}`)
  response.writeHead(200, { 'content-length': lines.bytes.length }).end(lines.bytes)
}

async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  file: OpenFile,
  type: string,
  path: Buffer,
  signal: AbortSignal,
): Promise<void> {
  if (isKnown(request.headers['if-none-match'], tagOf(file))) {
    response.writeHead(304, { etag: tagOf(file) }).end()
    return
  }
  const range = rangeToSend(request, response, file)
  setHeaders(response, file, type, path)
  response.setHeader('accept-ranges', 'bytes')
  if (range.isAsked) response.setHeader('content-range', `bytes ${range.from}-${range.to - 1}/${file.size}`)
  response.writeHead(range.isAsked ? 206 : 200, { 'content-length': range.to - range.from })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  try {
    await pipeline(Readable.from(blocks(file, range), { objectMode: false }), response, { signal })
  } catch (error) {
    if (error !== SHRUNK && !signal.aborted) throw error
    // Only a broken connection tells the reader that the rest is missing.
    response.destroy()
  }
}

/** A range may be answered with less than was asked for (RFC 9110, section 15.3.7), a whole file may not. */
function rangeToSend(request: IncomingMessage, response: ServerResponse, file: OpenFile): Range & { isAsked: boolean } {
  const asked = isCurrent(request, file) ? rangeOf(request.headers.range, file.size) : 'all'
  if (asked === 'none') {
    response.setHeader('content-range', `bytes */${file.size}`)
    throw new AppError('range_not_satisfiable', `The file has ${file.size} bytes.`, { size: file.size })
  }
  if (asked !== 'all') return { from: asked.from, to: Math.min(asked.to, asked.from + MOST_BYTES), isAsked: true }
  if (file.size <= MOST_BYTES) return { from: 0, to: file.size, isAsked: false }
  const sentence = `The file has ${file.size} bytes; ask with Range for at most ${MOST_BYTES} of them at once.`
  throw new AppError('file_too_large', sentence, { size: file.size, at_most: MOST_BYTES })
}

const SHRUNK = new Error('the file has become shorter')

async function* blocks(file: OpenFile, { from, to }: Range): AsyncGenerator<Buffer> {
  for (let position = from; position < to;) {
    const block = await file.read(position, Math.min(BLOCK_BYTES, to - position))
    if (block.length === 0) throw SHRUNK
    position += block.length
    yield block
  }
}

/** Whatever it is, it is shown as data: no browser takes it for a page of this service or runs anything in it. */
function setHeaders(response: ServerResponse, file: OpenFile, type: string, path: Buffer): void {
  const name = path.subarray(path.lastIndexOf('/') + 1).toString()
  const disposition = type === 'application/octet-stream' ? 'attachment' : 'inline'
  // Images of our own may be shown; the sandbox is for whatever a browser makes of the rest.
  response.setHeader('content-security-policy', "default-src 'none'; sandbox; frame-ancestors 'none'")
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  response.setHeader('cache-control', 'private, no-cache')
  response.setHeader('content-type', type)
  response.setHeader('content-disposition', `${disposition}; filename*=UTF-8''${extended(name)}`)
  response.setHeader('etag', tagOf(file))
  response.setHeader('last-modified', new Date(file.modifiedAt).toUTCString())
}

/** As RFC 8187, section 3.2.1 wants it. */
function extended(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)
}

function tagOf({ version }: OpenFile): string {
  return `"${version}"`
}

/** RFC 9110, section 13.1.2: the weak comparison. */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === tag)
}

/** RFC 9110, section 13.1.5: a part counts only as long as the file is the one the client has the rest of. */
function isCurrent({ headers }: IncomingMessage, file: OpenFile): boolean {
  const condition = headers['if-range']
  // A time is to the second, in which a file can change twice.
  return condition === undefined || condition === tagOf(file)
}

function pathOf({ path, path_bytes: bytes }: { path: string; path_bytes?: string | undefined }): Buffer {
  return bytes === undefined ? Buffer.from(path) : Buffer.from(bytes, 'base64url')
}

function entryBody(entry: Entry, directory: Buffer): Answer<'FileList'>['entries'][number] {
  const path = directory.length === 0 ? entry.name : Buffer.concat([directory, Buffer.from('/'), entry.name])
  const { path_bytes: bytes } = pathBody('path', path)
  return {
    name: entry.name.toString(),
    ...(bytes !== undefined && { path_bytes: bytes }),
    kind: entry.kind,
    size: entry.size,
    modified_at: timestamp(entry.modifiedAt),
    hidden: entry.isHidden,
    ...(entry.target && { target: entry.target.toString(), leads_to: entry.leadsTo ?? null }),
  }
}
