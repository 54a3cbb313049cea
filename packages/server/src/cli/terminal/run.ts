import { randomUUID } from 'node:crypto'
import { fstatSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Answer } from '@claude-proxy/protocol/endpoints'
import { ConfigError } from '../../config.ts'
import { isAttended } from './ask.ts'
import { folderOf, latestIn } from './conversation.ts'
import { createEnding } from './ending.ts'
import type { Said } from './options.ts'
import { type Service, Unreachable } from './service.ts'
import type { TerminalCall } from './table.ts'
import { watchRun } from './watch.ts'

/** `claude-proxy run`: sends a prompt and shows what comes of it. */
export async function runPrompt({ said, service }: TerminalCall): Promise<number> {
  const prompt = await promptOf(said)
  const files = said.texts('file').map((path) => ({ path, bytes: read(path) }))
  if (prompt.trim() === '' && files.length === 0)
    throw new ConfigError('Say what is to be done: claude-proxy run "…", or let it be read from the standard input.')
  const id = await conversationFor(said, service)
  const attachments = []
  for (const { path, bytes } of files) {
    const { upload_id } = await service.call('upload', { query: { name: basename(path) }, body: bytes })
    attachments.push({ upload_id })
  }
  const sent = await send(service, id, {
    text: prompt,
    ...(attachments.length > 0 && { attachments }),
    ...wishes(said),
  })
  const ending = createEnding(sent)
  return watchRun({
    service,
    said,
    id,
    since: sent.watch_since,
    asked: [],
    fate: (event) => ending.take(event),
    // One that waits is taken back: the run that is open is somebody else's.
    stop: () =>
      ending.fate === 'waiting' && sent.run_id !== null
        ? service.call('cancelPrompt', { path: { prompt_id: sent.run_id } })
        : service.call('interrupt', { path: { id } }),
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

function read(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

async function conversationFor(said: Said, service: Service): Promise<string> {
  const named = said.text('conversation')
  if (named !== undefined) return named
  const cwd = folderOf(said)
  const latest = said.is('continue') ? await latestIn(cwd, service) : undefined
  if (latest !== undefined) return latest
  const title = said.text('title')
  const body = { cwd, ...(title !== undefined && { title }) }
  return (await service.call('createConversation', { body })).conversation_id
}

function wishes(said: Said): object {
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

const TRIES = 5

/** Sends it once, however often the line breaks meanwhile: its key makes it the same prompt. */
async function send(service: Service, id: string, message: object): Promise<Answer<'Sent'>> {
  const body = { ...message, client_message_id: randomUUID() }
  for (let tries = 1; ; tries++) {
    try {
      return await service.call('send', { path: { id }, body })
    } catch (error) {
      if (!(error instanceof Unreachable || error instanceof TypeError) || tries === TRIES) throw error
      await wait(200 * 2 ** tries)
    }
  }
}
