import type { SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'
import type { MediaType } from '@claude-proxy/protocol/events'
import type { Attached } from '../../core/ports/agent.ts'

type Content = Exclude<SDKUserMessage['message']['content'], string>
type Block = Extract<Content[number], { type: 'text' | 'image' | 'document' }>

/** A prompt as blocks of the Messages API: what came with it, then the words, the order that its guide advises. */
export async function contentOf(text: string, attached: readonly Attached[]): Promise<Block[]> {
  const blocks: Block[] = []
  for (const each of attached) blocks.push(await blockOf(each))
  // The API takes no blank text.
  return text.trim() === '' && blocks.length > 0 ? blocks : [...blocks, { type: 'text', text }]
}

async function blockOf({ name, mediaType, read }: Attached): Promise<Block> {
  const bytes = await read()
  const title = name === undefined ? {} : { title: name }
  if (mediaType === 'text/plain') {
    const data = new TextDecoder().decode(bytes)
    return { type: 'document', source: { type: 'text', media_type: mediaType, data }, ...title }
  }
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  if (mediaType === 'application/pdf')
    return { type: 'document', source: { type: 'base64', media_type: mediaType, data }, ...title }
  return { type: 'image', source: { type: 'base64', media_type: mediaType satisfies ImageType, data } }
}

type ImageType = Exclude<MediaType, 'text/plain' | 'application/pdf'>
