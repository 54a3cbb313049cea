import { expect, test } from 'vitest'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import { createAttachments } from '../../src/core/attachments/attachments.ts'
import { createMemoryFiles } from '../../src/store/memory/attachment-files.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'

/** Attachments with a clock that the test holds. */
function subject() {
  const [store, files] = [createMemoryStore(), createMemoryFiles()]
  const time = { now: 1000 }
  const warnings: string[] = []
  let count = 0
  const attachments = createAttachments({
    store,
    files,
    clock: { now: () => time.now },
    log: { info() {}, warn: (message) => warnings.push(message), error() {} },
    limits: {
      maxCount: 5,
      maxBytes: 1000,
      maxImageBytes: 1000,
      maxTextBytes: 1000,
      maxUnusedBytes: 1_000_000,
      unusedMs: 500,
    },
    newId: () => (++count).toString(16).padStart(32, '0') as AttachmentId,
  })
  const upload = (from: AsyncIterable<Uint8Array>, by = 'me') =>
    attachments.upload({ name: undefined, announced: undefined, parts: from, by })
  return { store, files, time, warnings, attachments, upload }
}

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

test('an upload that no prompt has used is removed when its time is over, and not before', async () => {
  const { files, time, attachments, upload } = subject()
  const { id, expiresAt } = await upload(parts('he', 'llo'))
  expect(expiresAt).toBe(1500)
  time.now = 1500
  await attachments.sweep()
  expect(await files.names()).toEqual([id])
  time.now = 1501
  await attachments.sweep()
  expect(await files.names()).toEqual([])
  await expect(attachments.open(id)).rejects.toMatchObject({ code: 'upload_unknown' })
})

test('only so many uploads come at once; each makes way for another when it is through', async () => {
  const { upload, files } = subject()
  const gate = Promise.withResolvers<void>()
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x')
    await gate.promise
  }
  const slowly = Array.from({ length: 32 }, () => upload(slow()))
  await expect(upload(parts('x'))).rejects.toMatchObject({ code: 'uploads_full' })
  for (const by of ['a', 'b', 'c']) for (let n = 0; n < 32; n++) slowly.push(upload(slow(), by))
  await expect(upload(parts('x'), 'd')).rejects.toMatchObject({ code: 'uploads_full' })
  gate.resolve()
  await Promise.all(slowly)
  await upload(parts('x'))
  expect(await files.names()).toHaveLength(129)
})

test('of an upload that the store cannot keep, no file is left', async () => {
  const { store, files, upload } = subject()
  const error = new Error('database or disk is full')
  store.addUpload = () => Promise.reject(error)
  await expect(upload(parts('x'))).rejects.toBe(error)
  expect(await files.names()).toEqual([])
})

test('an upload that breaks off, or is too large, leaves nothing and gives its place back', async () => {
  const { files, upload } = subject()
  const error = new Error('gone')
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x')
    throw error
  }
  for (let n = 0; n < 40; n++) {
    await expect(upload(broken())).rejects.toBe(error)
    await expect(upload(parts('x'.repeat(999), 'xx'))).rejects.toMatchObject({ code: 'payload_too_large' })
  }
  expect(await files.names()).toEqual([])
})

test('of what a crash has left, what is known is kept and what is not ours is left alone', async () => {
  const { files, attachments, upload } = subject()
  const { id } = await upload(parts('known'))
  const put = (name: string) => files.put(name as AttachmentId, [Buffer.from('x')], async () => {})
  const [orphan, torn, foreign] = ['a'.repeat(32), `${'b'.repeat(32)}.part`, 'README']
  for (const name of [orphan, torn, foreign]) await put(name)
  await attachments.removeLeft(await files.names())
  expect((await files.names()).sort()).toEqual([id, foreign])
})

test('what cannot be removed is told to the operator and is no failure for the client', async () => {
  const { files, time, attachments, upload, warnings } = subject()
  await upload(parts('x'))
  files.remove = () => Promise.reject(new Error('no'))
  time.now = 10_000
  await attachments.sweep()
  expect(warnings).toHaveLength(1)
})

test('that a file cannot be removed is told, unless it is because of the stop: the next start removes it', async () => {
  const { files, warnings, attachments } = subject()
  const received = await attachments.receive([{ data: Buffer.from('hello').toString('base64') }])
  const refused = async () => {
    throw new Error('refused')
  }
  for (const [error, told] of [
    [new AppError('shutting_down', 'The service is stopping.'), []],
    [new Error('I/O error'), ['a file that nobody needs could not be removed; the next start tries again']],
  ] as const) {
    files.remove = () => Promise.reject(error)
    await expect(attachments.whileKept(received, refused)).rejects.toThrow('refused')
    expect(warnings).toEqual(told)
  }
})
