import { once } from 'node:events'
import { AppError } from '@claude-proxy/protocol/errors'
import { ConversationPath } from '@claude-proxy/protocol/requests'
import { type Config, ConfigError } from '../config.ts'
import { storedPages } from '../core/log/pages.ts'
import { transcriptOf } from '../core/transcript.ts'
import { rendererFor } from '../http/renderers.ts'
import { lookInto } from '../store/sqlite/look.ts'

/** `claude-proxy export CONVERSATION`: writes it to the standard output, beside a running service or without. */
export async function exportConversation(name: string, format: string, { dataDir }: Config): Promise<void> {
  const read = ConversationPath.safeParse({ id: name })
  if (!isFormat(format))
    throw new ConfigError(`--format=${format} cannot be used: it has to be ndjson, md, html or json.`)
  using look = lookInto(dataDir)
  const conversation = read.success ? await look.conversation(read.data.id) : undefined
  if (!conversation) throw new AppError('conversation_unknown', `There is no conversation ${name} in ${dataDir}.`)
  const pages = storedPages(look, conversation.id, 0, conversation.head)
  if (format === 'ndjson') {
    for await (const { lines } of pages) await write(lines)
  } else {
    const { renderer } = await rendererFor(format)
    for await (const text of transcriptOf(conversation, pages, { renderer, withThinking: false, after: 0 }))
      await write(text)
  }
}

function isFormat(text: string): text is 'ndjson' | 'md' | 'html' | 'json' {
  return ['ndjson', 'md', 'html', 'json'].includes(text)
}

/** No faster than whoever reads takes it. */
async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
