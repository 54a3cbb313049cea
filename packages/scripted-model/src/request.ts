import type { IncomingHttpHeaders } from 'node:http'

/** One request to the Messages API, as far as the script looks at it. */
export interface ModelRequest {
  readonly model: string
  /** How much effort the model is to make; undefined when the request does not say. */
  readonly effort: string | undefined
  /** Who asks: the CLI puts its device, account and session here. Empty when it does not say. */
  readonly userId: string
  readonly system: string
  readonly messages: readonly ModelMessage[]
  /** The names of the tools on offer. */
  readonly tools: readonly string[]
  readonly isSubagent: boolean
  readonly headers: IncomingHttpHeaders
}

/** The CLI also sends messages of the role `system`, for example with the working directory. */
export interface ModelMessage {
  readonly role: 'user' | 'assistant' | 'system'
  readonly blocks: readonly ModelBlock[]
}

export type ModelBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly name: string; readonly input: unknown }
  /** `data`: in base64, or a text as it is. */
  | { readonly type: 'image' | 'document'; readonly mediaType: string; readonly data: string; readonly title: string }
  | { readonly type: 'tool_result'; readonly text: string; readonly isError: boolean }

/** Reads the body of a request; undefined when it is not JSON. What is missing or odd in it is left out. */
export function readRequest(raw: string, headers: IncomingHttpHeaders = {}): ModelRequest | undefined {
  const body = object(parseJson(raw))
  if (body === undefined) return undefined
  const system = textOf(body['system'])
  return {
    model: string(body['model']),
    effort: string(object(body['output_config'])?.['effort']) || undefined,
    userId: string(object(body['metadata'])?.['user_id']),
    system,
    messages: list(body['messages']).flatMap(readMessage),
    tools: list(body['tools']).map((tool) => string(object(tool)?.['name'])),
    isSubagent: system.includes('cc_is_subagent=true'),
    headers,
  }
}

function readMessage(value: unknown): ModelMessage[] {
  const message = object(value)
  const role = message?.['role']
  if (role !== 'user' && role !== 'assistant' && role !== 'system') return []
  return [{ role, blocks: blocksOf(message?.['content']).flatMap(readBlock) }]
}

function readBlock(value: unknown): ModelBlock[] {
  const block = object(value)
  switch (block?.['type']) {
    case 'text':
      return [{ type: 'text', text: string(block['text']) }]
    case 'tool_use':
      return [{ type: 'tool_use', name: string(block['name']), input: block['input'] }]
    case 'tool_result':
      return [{ type: 'tool_result', text: textOf(block['content']), isError: block['is_error'] === true }]
    case 'image':
    case 'document':
      return [readFile(block['type'], block)]
    default:
      return []
  }
}

function readFile(type: 'image' | 'document', block: Record<string, unknown>): ModelBlock {
  const source = object(block['source'])
  return {
    type,
    mediaType: string(source?.['media_type']),
    data: string(source?.['data']),
    title: string(block['title']),
  }
}

/** Content is a string or a list of blocks; a string is one text block. */
function blocksOf(content: unknown): unknown[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : list(content)
}

function textOf(content: unknown): string {
  return blocksOf(content)
    .flatMap(readBlock)
    .flatMap((block) => (block.type === 'text' ? block.text : []))
    .join('\n')
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}

function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
