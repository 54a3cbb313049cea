import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Attachment, FileContent } from '../core/ports/attachment.ts'

/**
 * Sends a file that a stranger has made so that a browser shows pictures, and takes everything else for bytes to save:
 * it is never a page, whatever is in it. A range may be asked for (RFC 9110, section 14).
 */
export async function sendFile(
  out: ServerResponse,
  attachment: Attachment,
  file: FileContent,
  signal: AbortSignal,
): Promise<void> {
  const tag = `"${attachment.id}"`
  for (const [name, value] of Object.entries(headersOf(attachment, tag))) out.setHeader(name, value)
  const { 'if-none-match': known = '', 'if-range': ifRange, range } = out.req.headers
  if (known.includes(tag)) return void out.writeHead(304).end()
  const part = ifRange === undefined || ifRange === tag ? rangeOf(range ?? '', file.size) : undefined
  if (part === 'beyond') {
    out.writeHead(416, { 'content-range': `bytes */${file.size}`, 'content-length': 0 }).end()
    return
  }
  const { first, last } = part ?? { first: 0, last: file.size - 1 }
  out.writeHead(part ? 206 : 200, {
    'content-length': last - first + 1,
    ...(part && { 'content-range': `bytes ${first}-${last}/${file.size}` }),
  })
  if (out.req.method === 'HEAD') return void out.end()
  try {
    await pipeline(Readable.from(partsOf(file, first, last)), out, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function headersOf({ name, mediaType }: Attachment, tag: string): Record<string, string> {
  const isImage = mediaType.startsWith('image/')
  return {
    'content-type': mediaType === 'text/plain' ? 'text/plain; charset=utf-8' : mediaType,
    'content-disposition': `${isImage ? 'inline' : 'attachment'}${name === undefined ? '' : fileName(name)}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    // A proxy that serves several people must not keep it; what has this id never changes.
    'cache-control': 'private, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    etag: tag,
  }
}

/** RFC 6266: the name in ASCII, and as it is. */
function fileName(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  const exact = encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return `; filename="${plain}"; filename*=UTF-8''${exact}`
}

/** One range; of what else could be asked for, the whole is an answer, too. */
function rangeOf(header: string, size: number): { first: number; last: number } | 'beyond' | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header) ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  // The last so many bytes.
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (to !== '' && from !== '' && Number(to) < first) return undefined
  return first < size ? { first, last } : 'beyond'
}

const STEP = 64 * 1024

async function* partsOf(file: FileContent, first: number, last: number): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; at += STEP) yield file.read(at, Math.min(STEP, last + 1 - at))
}
