import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ClaudeProxyError } from '@claude-proxy/client'
import { ConfigError } from '../../config.ts'
import { isNamed } from './address.ts'
import type { Said } from './options.ts'
import { EXIT, type TerminalCall } from './table.ts'
import { Unreachable } from './unreachable.ts'

/**
 * `claude-proxy export`: as the service gives it. Where nobody has named one and none here lets us in, from what is
 * kept on this machine.
 */
export async function exportConversation({ said, client, config }: TerminalCall): Promise<number> {
  const dataDir = said.text('data-dir')
  if (dataDir !== undefined) {
    if (isNamed(said, {})) throw new ConfigError('Give --data-dir or a service, not both.')
    return exportKept(said, dataDir)
  }
  let answer: Response
  try {
    answer = await ask(said, client)
  } catch (error) {
    if (isNamed(said, process.env) || !isShut(error)) throw error
    return exportKept(said, config.dataDir)
  }
  try {
    if (answer.body) await pipeline(Readable.fromWeb(answer.body), process.stdout, { end: false })
  } catch (cause) {
    throw new Unreachable('The connection broke before all of it had come.', { cause })
  }
  return EXIT.ok
}

function ask(said: Said, client: TerminalCall['client']): Promise<Response> {
  const path = { id: said.words[0] ?? '' }
  const format = formatOf(said)
  return format === 'ndjson' ? client.open('history', { path }) : client.open('transcript', { path, query: { format } })
}

/** Which there are was checked when it was read. */
function formatOf(said: Said) {
  return (said.text('format') ?? 'ndjson') as 'ndjson' | 'md' | 'html' | 'json'
}

/** Nobody is there, somebody else, or a service that wants a token. */
function isShut(error: unknown): boolean {
  if (!(error instanceof ClaudeProxyError)) return false
  return error.code === 'unreachable' || error.code === 'unexpected' || error.code === 'unauthorized'
}

async function exportKept(said: Said, dataDir: string): Promise<number> {
  const { exportFrom } = await import('../export.ts')
  await exportFrom(dataDir, said.words[0] ?? '', formatOf(said))
  return EXIT.ok
}
