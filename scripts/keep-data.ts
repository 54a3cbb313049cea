import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readConfig } from '../packages/server/src/config.ts'
import { startService } from '../packages/server/src/service.ts'

/**
 * Makes the data that later releases are tried with, as this one leaves it: two conversations, one with a name and a
 * tag and three runs. `node scripts/keep-data.ts`, right before a release.
 */
const ROOT = join(import.meta.dirname, '..')
const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const directory = join(ROOT, 'packages/server/test/store/released')
const dataDir = mkdtempSync(join(tmpdir(), 'claude-proxy-data-'))
const quiet = { info() {}, warn() {}, error() {} }

const service = await startService(
  readConfig(['--port', '0', '--agent', 'scripted', '--data-dir', dataDir], {}),
  { PATH: process.env['PATH'] },
  quiet,
)
await prompt('first', '/', '@say One.')
await prompt('first', '/', '@say Two.')
await prompt('second', '/tmp', '@say Three.')
await send('PATCH', '/v1/conversations/first', { title: 'A name', tags: ['kept'] })
await service.stop()

mkdirSync(directory, { recursive: true })
writeFileSync(
  join(directory, `${version}.db.gz`),
  gzipSync(readFileSync(join(dataDir, 'claude-proxy.db')), { level: 9 }),
)
rmSync(dataDir, { recursive: true })

async function prompt(id: string, cwd: string, text: string): Promise<void> {
  await send('POST', '/v1/agent/stream', { conversation_id: id, cwd, text })
}

/** Read to its end: that of a stream is the end of the run. */
async function send(method: string, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(service.url + path, { method, headers, body: JSON.stringify(body) })
  const answer = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${answer}`)
}
