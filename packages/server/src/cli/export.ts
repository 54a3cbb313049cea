import { once } from 'node:events'
import { AppError } from '@claude-proxy/protocol/errors'
import { ConversationPath } from '@claude-proxy/protocol/requests'
import { storedPages } from '../core/log/pages.ts'
import { transcriptOf } from '../core/transcript.ts'
import { rendererFor } from '../http/renderers.ts'
import { lookInto } from '../store/sqlite/look.ts'

type Format = 'ndjson' | 'md' | 'html' | 'json'

/** Writes a conversation to the standard output, from the files alone; a service that has them open is not in the way. */
export async function exportFrom(dataDir: string, name: string, format: Format): Promise<void> {
  const read = ConversationPath.safeParse({ id: name })
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

/** No faster than whoever reads takes it. */
async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}
