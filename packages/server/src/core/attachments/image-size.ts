import type { MediaType } from '@claude-proxy/protocol/events'
import type { FileContent } from '../ports/attachment.ts'

export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** The size that the image's header gives, in pixels. Undefined: the header is broken. */
export async function imageSize(file: FileContent, type: MediaType): Promise<ImageSize | undefined> {
  const size = type === 'image/jpeg' ? await jpegSize(file) : HEADERS[type]?.(await header(file, 0, 30), file.size)
  return size && size.width > 0 && size.height > 0 ? size : undefined
}

/** Where the formats that begin with their size have it. */
const HEADERS: Partial<Record<MediaType, (bytes: DataView, size: number) => ImageSize | undefined>> = {
  // PNG (W3C), section 11.2.1: IHDR comes first.
  'image/png': (bytes) =>
    text(bytes, 12) === 'IHDR' ? { width: bytes.getUint32(16), height: bytes.getUint32(20) } : undefined,
  'image/gif': (bytes) => ({ width: bytes.getUint16(6, true), height: bytes.getUint16(8, true) }),
  'image/webp': webpSize,
}

/** RFC 9649, sections 2.5 to 2.7. */
function webpSize(bytes: DataView, size: number): ImageSize | undefined {
  const form = text(bytes, 12)
  // Zeros would be a size, too.
  if (size < (form === 'VP8L' ? 25 : 30)) return undefined
  if (form === 'VP8X') return { width: uint24(bytes, 24) + 1, height: uint24(bytes, 27) + 1 }
  if (form === 'VP8 ') return { width: bytes.getUint16(26, true) & 0x3fff, height: bytes.getUint16(28, true) & 0x3fff }
  if (form !== 'VP8L' || bytes.getUint8(20) !== 0x2f) return undefined
  const bits = bytes.getUint32(21, true)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}

/** A picture has some dozens of segments before its size; of millions, each would be read from the disk. */
const MOST_SEGMENTS = 1000

/** ITU T.81, annex B: segments, each with its length, up to the one that begins the frame. */
async function jpegSize(file: FileContent): Promise<ImageSize | undefined> {
  let at = 2
  for (let segments = 0; segments < MOST_SEGMENTS && at + 9 <= file.size; segments++) {
    const bytes = await header(file, at, 9)
    if (bytes.getUint8(0) !== 0xff) return undefined
    const marker = bytes.getUint8(1)
    if (isFrame(marker)) return { width: bytes.getUint16(7), height: bytes.getUint16(5) }
    // 0xff before a marker may be there more than once.
    at += marker === 0xff ? 1 : 2 + bytes.getUint16(2)
  }
  return undefined
}

/** SOF0 to SOF15, between which DHT, JPG and DAC have their numbers. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** Zeros stand for what a file that is cut short does not have. */
async function header(file: FileContent, at: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length)
  bytes.set(await file.read(at, length))
  return new DataView(bytes.buffer)
}

function text(bytes: DataView, at: number): string {
  return String.fromCharCode(...Array.from({ length: 4 }, (_, n) => bytes.getUint8(at + n)))
}

function uint24(bytes: DataView, at: number): number {
  return bytes.getUint16(at, true) | (bytes.getUint8(at + 2) << 16)
}
