import { isUtf8 } from 'node:buffer'

/** As much of the beginning of a file as tells what it is. */
export const TELLING_BYTES = 8192

/**
 * What a file is, by its bytes and never by its name. Only what no browser runs: text is plain, and images are those
 * that hold no scripts. Everything else is bytes.
 */
export function contentType(beginning: Buffer, isWhole: boolean): string {
  const image = IMAGES.find(([marks]) =>
    marks.every(([at, mark]) => beginning.toString('latin1', at, at + mark.length) === mark),
  )
  if (image) return image[1]
  return isText(beginning, isWhole) ? 'text/plain; charset=utf-8' : 'application/octet-stream'
}

const IMAGES: [marks: [at: number, mark: string][], type: string][] = [
  [[[0, '\x89PNG\r\n\x1a\n']], 'image/png'],
  [[[0, '\xff\xd8\xff']], 'image/jpeg'],
  [[[0, 'GIF87a']], 'image/gif'],
  [[[0, 'GIF89a']], 'image/gif'],
  [
    [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
    'image/webp',
  ],
]

function isText(beginning: Buffer, isWhole: boolean): boolean {
  if (beginning.includes(0)) return false
  if (isWhole) return isUtf8(beginning)
  // The last character may be cut: it has four bytes at most.
  return [0, 1, 2, 3].some((cut) => isUtf8(beginning.subarray(0, beginning.length - cut)))
}
