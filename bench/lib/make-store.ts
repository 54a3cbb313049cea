import { createWriteStream, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { once } from 'node:events'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { openSqliteStore } from '../../packages/server/src/store/sqlite/store.ts'
import { eventLine } from './load.ts'
import type { StoreShape } from './stores.ts'

/**
 * A program: makes a store through the service's own Store, as an import would. Event n of every conversation says
 * `#n`. With `files`, the first conversation is also written as NDJSON and as Server-Sent Events.
 */
const folder = process.argv[2] ?? ''
const shape = JSON.parse(readFileSync(join(folder, 'shape.json'), 'utf8')) as StoreShape

const quiet = { info() {}, warn() {}, error: (message: string) => process.stderr.write(`${message}\n`) }
await makeStore()

async function makeStore(): Promise<void> {
  const { conversations, eventBytes, files } = shape
  const opened = await openSqliteStore({ dataDir: join(folder, 'data'), log: quiet })
  for (const [index, { id, events }] of conversations.entries()) {
    const cwd = join(folder, 'work', id)
    if (conversations.length < 100) await mkdir(cwd, { recursive: true })
    const lines = Array.from({ length: events }, (_, n) => eventLine(n + 1, eventBytes))
    await opened.importConversation({
      id: id as ConversationId,
      folder: cwd as Folder,
      cwd,
      group: undefined,
      sessionId: undefined,
      createdAt: 0,
      updatedAt: index,
      lines,
      canonical: true,
    })
    if (files && index === 0) await writeFiles(join(folder, 'files'), lines)
  }
  await opened.close()
}

async function writeFiles(target: string, lines: readonly string[]): Promise<void> {
  await mkdir(target, { recursive: true })
  const ndjson = createWriteStream(join(target, 'events.ndjson'))
  const sse = createWriteStream(join(target, 'events.sse'))
  for (const [index, line] of lines.entries()) {
    ndjson.write(`${line}\n`)
    if (!sse.write(`id: ${index + 1}\ndata: ${line}\n\n`)) await once(sse, 'drain')
  }
  await Promise.all([ndjson, sse].map((file) => new Promise<void>((resolve) => file.end(() => resolve()))))
}
