import { fstatSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Client, RunOptions } from '@claude-proxy/client'
import { ConfigError } from '../../config.ts'
import { isAttended } from './ask.ts'
import { folderOf, latestIn } from './conversation.ts'
import type { Said } from './options.ts'
import type { TerminalCall } from './table.ts'
import { createWatch } from './watch.ts'

/** A large file over a slow line. */
const UPLOAD_MS = 10 * 60_000

/** `claude-proxy run`: sends a prompt and shows what comes of it. */
export async function runPrompt({ said, client }: TerminalCall): Promise<number> {
  const prompt = await promptOf(said)
  const files = said.texts('file').map((path) => ({ path, bytes: read(path) }))
  if (prompt.trim() === '' && files.length === 0)
    throw new ConfigError('Say what is to be done: claude-proxy run "…", or let it be read from the standard input.')
  const id = await conversationFor(said, client)
  const attachments = []
  for (const { path, bytes } of files) {
    const { upload_id } = await client.upload(bytes, { name: basename(path) }, { timeoutMs: UPLOAD_MS })
    attachments.push({ upload_id })
  }
  const watch = createWatch(said, client)
  const run = await client.run(prompt, {
    conversation: id,
    ...(attachments.length > 0 && { attachments }),
    ...wishes(said),
    ...watch.options,
  })
  return watch.show({
    id,
    items: run.events,
    asked: [],
    askedUpTo: 0,
    // One that waits is taken back: the run that is open is somebody else's.
    stop: ({ queue }) =>
      queue.some((each) => each.id === run.id && each.state === 'queued')
        ? client.cancelPrompt(run.id)
        : run.interrupt(),
  })
}

async function promptOf({ words: [word = '-'] }: Said): Promise<string> {
  const [own, input] = [word === '-' ? '' : word, await piped(word === '-')]
  return [own, input].filter((each) => each.trim() !== '').join('\n\n')
}

/** What is piped in, or in a file; a terminal only if it is asked for. */
async function piped(isAskedFor: boolean): Promise<string> {
  const stat = fstatSync(0)
  if (process.stdin.isTTY || !(stat.isFIFO() || stat.isFile() || stat.isSocket() || isAskedFor)) return ''
  return text(process.stdin)
}

function read(path: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

async function conversationFor(said: Said, client: Client): Promise<string> {
  const named = said.text('conversation')
  if (named !== undefined) return named
  const cwd = folderOf(said)
  const latest = said.is('continue') ? await latestIn(cwd, client) : undefined
  if (latest !== undefined) return latest
  const title = said.text('title')
  const body = { cwd, ...(title !== undefined && { title }) }
  return (await client.createConversation(body)).conversation_id
}

type Wishes = Omit<RunOptions, 'conversation' | 'cwd'>

/** What the prompt asks of its run. Which values there are was checked when they were read. */
function wishes(said: Said): Wishes {
  const fields = {
    model: said.text('model'),
    effort: said.text('effort'),
    permission_mode: said.text('permission-mode'),
    when_busy: said.text('when-busy'),
    allowed_tools: said.texts('allow').length > 0 ? said.texts('allow') : undefined,
    // Where nobody sits, nobody can choose.
    can_answer: isAttended() && !said.is('json') && !said.is('quiet') ? ['question', 'plan'] : undefined,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
