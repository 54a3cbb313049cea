import { DatabaseSync } from 'node:sqlite'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

/**
 * What any service is that answers over HTTP and keeps a SQLite database in a thread of its own, and nothing else. It is
 * JavaScript: to strip types would be a part of its start.
 */

// As the service does: an import would load all that it exports, fetch and WebSocket among them.
const { createServer } = process.getBuiltinModule('node:http')
const file = process.argv[2] ?? ''
const db = new DatabaseSync(file)

if (isMainThread) {
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, line TEXT)')
  const server = createServer((_, response) => response.end('{}'))
  server.on('listening', () => {
    const address = server.address()
    if (typeof address === 'object') process.stdout.write(`listening on http://127.0.0.1:${address?.port}\n`)
  })
  new Worker(new URL(import.meta.url), { argv: [file] }).once('message', () => server.listen(0, '127.0.0.1'))
} else {
  parentPort?.postMessage(db.prepare('SELECT count(*) AS n FROM event').get(), [])
}
