import { once } from 'node:events'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { AppError } from '@claude-proxy/protocol/errors'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'

/** A process that appends until it is refused, says so, and tries once more when it is told to. */
const [dataDir = ''] = process.argv.slice(2)
const store = await openSqliteStore({ dataDir, log: { info() {}, warn: console.error, error: console.error } })
const id = 'c' as ConversationId
const run = '0'.repeat(32) as RunId
const place = { folder: '/f' as Folder, cwd: '/f' }
await store.beginRun({ id: run, name: id, ...place, begunBy: 'client', text: '', options: {}, line: '{"n":1}', at: 1 })

say({ opened: true })
await once(process.stdin, 'data')
for (;;) {
  const head = (await store.conversation(id))?.head ?? 0
  try {
    await store.append(run, [line(head + 1)], 1)
  } catch (error) {
    const code = error instanceof AppError ? error.code : String(error)
    const after = (await store.conversation(id))?.head
    say({ code, head: after, isReadable: after === head && (await store.page(id, head - 1, 1)).count === 1 })
    break
  }
}
await once(process.stdin, 'data')
const head = (await store.conversation(id))?.head ?? 0
say(await store.append(run, [line(head + 1)], 1))

function line(n: number): string {
  return JSON.stringify({ n, x: 'x'.repeat(100_000) })
}

function say(what: object): void {
  console.log(JSON.stringify(what))
}
