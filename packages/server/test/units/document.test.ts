import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Workspace } from '../../src/core/workspace.ts'
import { sendDocument } from '../../src/http/document.ts'
import { sendFile } from '../../src/http/file.ts'
import { fileRoutes } from '../../src/http/routes/files.ts'
import type { Exchange } from '../../src/http/routes.ts'
import type { Attachment } from '../../src/core/ports/attachment.ts'

const never = new AbortController().signal

/** Serves what `send` sends; what becomes of sending is told beside the address. */
async function served(send: (out: ServerResponse) => Promise<void>) {
  const { promise: sent, resolve } = Promise.withResolvers<unknown>()
  const server = createServer((_, response) => {
    send(response).then(
      () => resolve('sent'),
      (error: unknown) => {
        resolve(error)
        response.destroy()
      },
    )
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sent }
}

async function* pieces(...texts: (string | Error)[]) {
  for (const text of texts) {
    if (text instanceof Error) throw text
    yield text
  }
}

test('pages of which nothing is told leave nothing in a document', async () => {
  const { url } = await served((out) => sendDocument(out, pieces('a', '', 'b', ''), never))
  expect(await (await fetch(url)).text()).toBe('ab')
})

test('the head of a document says how the whole would come, without it', async () => {
  const { url } = await served((out) => sendDocument(out, pieces('a', 'b'), never))
  const packed = await fetch(url, { headers: { 'accept-encoding': 'gzip' }, method: 'HEAD' })
  expect([packed.headers.get('content-encoding'), await packed.text()]).toEqual(['gzip', ''])
  expect(packed.headers.get('vary')).toContain('accept-encoding')
})

test('a document that cannot be read to its end breaks off, so that nobody takes it for whole', async () => {
  const error = new Error('deleted meanwhile')
  const { url, sent } = await served((out) => sendDocument(out, pieces('a', error), never))
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
  expect(await sent).toBe(error)
})

test('that its reader has gone is no failure of a document', async () => {
  const gone = new AbortController()
  async function* endless() {
    yield 'a'
    gone.abort()
    for (;;) yield 'a'
  }
  const { url, sent } = await served((out) => sendDocument(out, endless(), gone.signal))
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
  expect(await sent).toBe('sent')
})

test('a file that cannot be read to its end breaks off, too', async () => {
  const error = new Error('I/O error')
  const attachment = {
    id: 'a',
    name: undefined,
    mediaType: 'text/plain',
    bytes: 9,
    digest: 'd',
  } as unknown as Attachment
  const read = async () => {
    throw error
  }
  const { url, sent } = await served((out) => sendFile(out, attachment, { size: 9, read }, never))
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
  expect(await sent).toBe(error)
})

test.each([
  ['becomes shorter', async () => Buffer.alloc(0), 'sent'],
  [
    'cannot be read any more',
    () => Promise.reject(new Error('I/O error')),
    expect.objectContaining({ message: 'I/O error' }),
  ],
])('a file of the workspace that %s while it is sent breaks off', async (_, readOn, outcome) => {
  const file = {
    size: 200_000,
    modifiedAt: 0,
    read: async (at: number, length: number) => (at === 0 ? Buffer.alloc(Math.min(length, 65_536), 'x') : readOn()),
    async [Symbol.asyncDispose]() {},
  }
  const workspace = { open: async () => file } as unknown as Workspace
  const { url, sent } = await served(async (response) => {
    const request = { url: '/v1/files/content?cwd=/x&path=a', headers: {} }
    await fileRoutes({ workspace }).file({ request, response, signal: () => never } as unknown as Exchange)
  })
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
  expect(await sent).toEqual(outcome)
})
