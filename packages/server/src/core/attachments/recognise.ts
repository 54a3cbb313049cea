import { AppError } from '@claude-proxy/protocol/errors'
import type { MediaType } from '@claude-proxy/protocol/events'
import type { FileContent } from '../ports/attachment.ts'
import { imageSize } from './image-size.ts'

/** What a file is. */
export interface Kind {
  readonly mediaType: MediaType
  readonly width?: number
  readonly height?: number
}

export interface KindLimits {
  /** The largest file of any kind. */
  readonly maxBytes: number
  readonly maxImageBytes: number
  readonly maxTextBytes: number
}

/** The Messages API refuses more, and then every later turn of the conversation, which sends the image again. */
const MOST_PIXELS = 8000

/** Says what a file is, by its content alone, or throws why the agent cannot look at it. `name`: how to speak of it. */
export async function recognise(file: FileContent, name: string, limits: KindLimits): Promise<Kind> {
  if (file.size === 0) throw new AppError('bad_request', `${name} is empty.`)
  const mediaType = signature(await file.read(0, 16)) ?? ((await isText(file)) ? 'text/plain' : undefined)
  if (mediaType === undefined)
    throw new AppError(
      'unsupported_media_type',
      `${name} cannot be attached: it has to be PNG, JPEG, GIF, WebP, PDF, or text in UTF-8.`,
    )
  const most = mostOf(mediaType, limits)
  if (file.size > most) throw tooLarge(`${name} is ${mediaType}, and`, most)
  return mediaType.startsWith('image/') ? measured(file, name, mediaType) : { mediaType }
}

export function tooLarge(what: string, most: number): AppError {
  return new AppError('payload_too_large', `${what} larger than ${most} bytes.`)
}

/** With how its first bytes begin. Text is what begins otherwise. */
function signature(bytes: Uint8Array): MediaType | undefined {
  const start = Buffer.from(bytes).toString('latin1')
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (start.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (start.startsWith('GIF87a') || start.startsWith('GIF89a')) return 'image/gif'
  if (start.startsWith('RIFF') && start.startsWith('WEBP', 8)) return 'image/webp'
  if (start.startsWith('%PDF-')) return 'application/pdf'
  return undefined
}

function mostOf(type: MediaType, { maxBytes, maxImageBytes, maxTextBytes }: KindLimits): number {
  if (type === 'text/plain') return maxTextBytes
  return type === 'application/pdf' ? maxBytes : Math.min(maxBytes, maxImageBytes)
}

async function measured(file: FileContent, name: string, mediaType: MediaType): Promise<Kind> {
  const size = await imageSize(file, mediaType)
  if (!size) throw new AppError('bad_request', `${name} begins as ${mediaType} and is none: its header is broken.`)
  const { width, height } = size
  if (Math.max(width, height) <= MOST_PIXELS) return { mediaType, width, height }
  throw new AppError(
    'bad_request',
    `${name} is ${width} × ${height} pixels: an image may have at most ${MOST_PIXELS} on a side.`,
  )
}

const STEP = 256 * 1024
/** Tabs and the ends of lines and pages are text; other control characters are not. */
const CONTROLS = /[^\P{Cc}\t\n\r\f]/u

/** Whether it is well-formed UTF-8 without control characters. */
async function isText(file: FileContent): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for (let at = 0; at < file.size; at += STEP)
      if (CONTROLS.test(decoder.decode(await file.read(at, STEP), { stream: true }))) return false
    decoder.decode()
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
