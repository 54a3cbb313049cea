import { resolve } from 'node:path'
import type { Client } from '@claude-proxy/client'
import { ConfigError } from '../../config.ts'
import type { Said } from './options.ts'

/** The folder that is meant, as the machine of the service calls it. */
export function folderOf(said: Said): string {
  const cwd = said.text('cwd')
  if (said.text('host') === undefined) return resolve(cwd ?? '.')
  // Over there is another file system: the folder that we are in says nothing about it.
  if (cwd === undefined) throw new ConfigError('With --host, say the folder over there: --cwd /srv/project')
  return cwd
}

/** The conversation that is named, or the folder's latest. */
export async function conversationOf(said: Said, client: Client): Promise<string> {
  const [id] = said.words
  if (id !== undefined) return id
  const cwd = folderOf(said)
  const latest = await latestIn(cwd, client)
  if (latest === undefined) throw new ConfigError(`There is no conversation in ${cwd}. claude-proxy ls lists all.`)
  return latest
}

/** The conversation of this folder whose newest run began last. */
export async function latestIn(cwd: string, client: Client): Promise<string | undefined> {
  const { conversations } = await client.conversations({ cwd, limit: 1 })
  return conversations[0]?.conversation_id
}
