import type { Lines } from '@claude-proxy/protocol/frames'

/** What a person or the agent said, and what the agent called a tool with. */
export type HitKind = 'prompt' | 'answer' | 'tool_call'

/** What an event has to be found by. */
export interface SearchText {
  readonly kind: HitKind
  readonly text: string
  readonly timestamp: string | undefined
}

/** Nobody reads on that far: what stands behind is not looked for. */
export const LONGEST_TEXT = 100_000

/**
 * What an event (PROTOCOL.md section 4) is found by: the text of a prompt or an answer, and the name and the values of a
 * tool call. Not what tools say, not what the agent thinks, not what it tells its own agents: that is a tool call.
 */
export function searchText(event: unknown): SearchText | undefined {
  if (!isObject(event) || !isObject(event['message'])) return undefined
  const { type, timestamp } = event
  const blocks = blocksOf(event['message']['content'])
  const said = blocks.flatMap((block) => (block['type'] === 'text' ? [String(block['text'])] : []))
  const calls = blocks.filter((block) => block['type'] === 'tool_use')
  const called = calls.flatMap(({ name, input }) => Array.from(valuesIn([name, input])))
  const isOurs = event['isSynthetic'] !== true && typeof event['parent_tool_use_id'] !== 'string'
  const parts = type === 'assistant' ? [...said, ...called] : type === 'user' && isOurs ? said : []
  const text = parts.join('\n').slice(0, LONGEST_TEXT)
  if (text.trim() === '') return undefined
  const kind = type === 'user' ? 'prompt' : said.length > 0 ? 'answer' : 'tool_call'
  return { kind, text, timestamp: typeof timestamp === 'string' ? timestamp : undefined }
}

/** The texts of a page, with their events' numbers. */
export function* searchTexts({ lines, first, count }: Lines): Generator<SearchText & { number: number }> {
  const source = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength)
  let at = 0
  for (let number = first; number < first + count; number++) {
    const end = source.indexOf(NEWLINE, at)
    const text = source.toString('utf8', at, end)
    at = end + 1
    // Most of a log is what tools say and what goes on: it is seen to be that without reading it.
    const said = isCandidate(text) ? searchText(parse(text)) : undefined
    if (said) yield { ...said, number }
  }
}

const NEWLINE = 10

function isCandidate(line: string): boolean {
  return !line.startsWith('{"type":"') || line.startsWith('user"', 9) || line.startsWith('assistant"', 9)
}

/** Imports keep lines as they were: one that is no JSON says nothing. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function blocksOf(content: unknown): Record<string, unknown>[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? content.filter((block) => isObject(block)) : []
}

/** The texts and numbers in a value, in their order; without recursion, for it may be nested as deep as JSON can be. */
function* valuesIn(value: unknown): Generator<string> {
  const stack = [value]
  while (stack.length > 0) {
    const next = stack.pop()
    if (typeof next === 'string' || typeof next === 'number') yield String(next)
    else if (typeof next === 'object' && next !== null) stack.push(...Object.values(next).toReversed())
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
