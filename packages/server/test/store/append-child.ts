import { writeSync } from 'node:fs'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Run } from '../../src/core/ports/run.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'

/**
 * A process that appends as fast as it can to some conversations, one append at a time in each, and prints
 * `conversation last` for each that was acknowledged. Event n says `{"n":n}`. It ends its run now and then, so that
 * sealing goes on beside it; it goes on where the process before it was killed. Arguments: data directory, how many.
 */
const [dataDir = '', conversations = '1'] = process.argv.slice(2)
const log = { info() {}, warn: console.error, error: console.error }
const store = await openSqliteStore({ dataDir, log })
await Promise.all(Array.from({ length: Number(conversations) }, (_, n) => work(n)))

async function work(n: number): Promise<never> {
  const name = `c${n}` as ConversationId
  const folder = `/folder/${n}` as Folder
  let run = (await store.openRun(folder)) ?? (await begin(name, folder))
  let head = (await store.conversation(name))?.head ?? 0
  for (let step = 1; ; step++) {
    const isLast = step % 50 === 0
    const lines = Array.from({ length: 1 + (step % 7) }, (_, i) => line(head + i + 1, step))
    const appended = await store[isLast ? 'endRun' : 'append'](run.id, lines, step)
    if (appended.status === 'closed') throw new Error('an open run is closed')
    writeSync(1, `${name} ${appended.last}\n`)
    head = appended.last
    if (!isLast) continue
    run = await begin(name, folder)
    head = run.first
  }
}

async function begin(name: ConversationId, folder: Folder): Promise<Run> {
  const head = (await store.conversation(name))?.head ?? 0
  const id = crypto.randomUUID().replaceAll('-', '') as RunId
  const first = line(head + 1, 0)
  const begun = await store.beginRun({
    id,
    name,
    folder,
    cwd: folder,
    begunBy: 'client',
    text: 'go',
    options: {},
    line: first,
    at: 1,
  })
  if (begun.status !== 'begun') throw new Error(`a run is ${begun.status}`)
  return begun.run
}

function line(n: number, step: number): string {
  return JSON.stringify({ n, x: 'x'.repeat((step * 37) % 3000) })
}
