import { createHash, verify } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SetupError } from './step.ts'

/** A release as it was published: checked, not unpacked. */
export interface Release {
  readonly version: string
  /** A gzipped tar; all in it lies in one folder. */
  readonly archive: Buffer
}

/** The files of a published release beside its archive. */
export const SUMS = 'SHA256SUMS'
export const SIGNATURE = 'SHA256SUMS.sig'

/** Nothing of ours comes near; a hostile server could send for ever. */
const MAX_BYTES = 256 * 1024 * 1024

/**
 * Takes the release that `source` holds: a base URL or a folder with its files, or its archive with the others beside it.
 * Throws unless who has the private half of `publicKey` signed it.
 */
export async function takeRelease(source: string, publicKey: string): Promise<Release> {
  const read = readerOf(source)
  const sums = await read(SUMS)
  const signature = Buffer.from((await read(SIGNATURE)).toString('latin1'), 'base64')
  if (!verify(null, sums, publicKey, signature))
    throw new SetupError('upgrade', `${source} is not signed by the makers of this release. Nothing was changed.`)
  const [, sum, name = '', version = ''] =
    /^([0-9a-f]{64}) {2}(claude-proxy-(\d+\.\d+\.\d+)\.tar\.gz)$/m.exec(sums.toString('latin1')) ?? []
  if (version === '') throw new SetupError('upgrade', `${source} names no release.`)
  const archive = await read(name)
  if (createHash('sha256').update(archive).digest('hex') !== sum)
    throw new SetupError('upgrade', `${name} is not the file that was signed. Nothing was changed.`)
  return { version, archive }
}

/** Whether the version `a` came after `b`; what stands behind the three numbers does not count. */
export function isNewer(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => text.split(/[.-]/, 3).map(Number))
  for (const place of [0, 1, 2]) {
    const difference = (x?.[place] ?? 0) - (y?.[place] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return false
}

function readerOf(source: string): (name: string) => Promise<Buffer> {
  if (/^https?:\/\//.test(source)) return (name) => download(`${source.replace(/\/$/, '')}/${name}`)
  const found = statSync(source, { throwIfNoEntry: false })
  if (found === undefined) throw new SetupError('upgrade', `${source} is not there.`)
  const directory = found.isDirectory() ? source : dirname(source)
  return async (name) => {
    if (!found.isDirectory() && name.endsWith('.gz') && name !== basename(source))
      throw new SetupError('upgrade', `What is signed beside ${source} is ${name}.`)
    return readFile(join(directory, name))
  }
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new SetupError('upgrade', `${file} cannot be read.`, { cause })
  }
}

async function download(url: string): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(300_000) })
    if (!response.ok) throw new SetupError('upgrade', `${url} cannot be had: status ${response.status}.`)
    const parts: Uint8Array[] = []
    let bytes = 0
    for await (const part of response.body ?? []) {
      bytes += part.byteLength
      if (bytes > MAX_BYTES) throw new SetupError('upgrade', `${url} is too large.`)
      parts.push(part)
    }
    return Buffer.concat(parts)
  } catch (cause) {
    if (cause instanceof SetupError) throw cause
    throw new SetupError('upgrade', `${url} cannot be had: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}
