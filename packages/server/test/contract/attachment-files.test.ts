import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import { afterAll, describe, expect, it } from 'vitest'
import type { AttachmentFiles, FileContent } from '../../src/core/ports/attachment.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { openAttachmentFiles } from '../../src/store/sqlite/attachment-files.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'attachments-test-'))
afterAll(() => rmSync(dataDir, { recursive: true }))

describe.each<[string, AttachmentFiles]>([
  ['memory', createMemoryFiles()],
  ['disk', openAttachmentFiles(dataDir)],
])('the files of attachments: %s', (_, files) => {
  const small = Buffer.from('0123456789')

  it('what was put is read back, whole and in part', async () => {
    const id = newId()
    const size = await files.put(id, [small.subarray(0, 3), small.subarray(3)], async (file) => file.size)
    expect(size).toBe(10)
    await using file = await files.open(id)
    expect(file.size).toBe(10)
    for (const [at, length, expected] of [
      [0, 10, '0123456789'],
      [0, 1000, '0123456789'],
      [8, 5, '89'],
      [10, 5, ''],
      [11, 5, ''],
    ] as const)
      expect(text(await file.read(at, length))).toBe(expected)
  })

  it('a check sees all of it before it is there', async () => {
    const id = newId()
    const seen = await files.put(id, slowly(small), async (file) => {
      await expect(files.open(id)).rejects.toThrow(AppError)
      return text(await file.read(0, file.size))
    })
    expect(seen).toBe('0123456789')
  })

  it('what is refused, or breaks off, leaves nothing, and the reason is told as it was', async () => {
    const before = await files.names()
    const refusal = new AppError('bad_request', 'No.')
    const refuse = () => Promise.reject(refusal)
    await expect(files.put(newId(), [small], refuse)).rejects.toBe(refusal)
    await expect(files.put(newId(), broken(refusal), sizeOf)).rejects.toBe(refusal)
    expect(await files.names()).toEqual(before)
  })

  it('what was removed is gone, and may be removed again', async () => {
    const id = newId()
    await files.put(id, [small], sizeOf)
    expect(await files.names()).toContain(id)
    await files.remove(id)
    await files.remove(id)
    expect(await files.names()).not.toContain(id)
    await expect(files.open(id)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  async function* broken(error: Error): AsyncGenerator<Uint8Array> {
    yield small
    throw error
  }
})

const sizeOf = async ({ size }: FileContent) => size

async function* slowly(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (const byte of bytes) yield Buffer.of(byte)
}

let count = 0

function newId(): AttachmentId {
  return (++count).toString(16).padStart(32, '0') as AttachmentId
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
