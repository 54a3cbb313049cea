import { styleText } from 'node:util'
import type { Frame } from './sse.ts'

type Style = Parameters<typeof styleText>[0]

/** Prints a line of the demo itself. */
export function tell(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** Prints one event: its number, its type, and what it is about. */
export function show(frame: Frame): void {
  const { type, style, text } = describe(frame.data)
  const width = Math.max((process.stdout.columns ?? 120) - 28, 30)
  const line = text.replaceAll(/\s+/g, ' ').trim()
  const short = line.length > width ? `${line.slice(0, width - 1)}…` : line
  tell(`${paint('dim', String(frame.id).padStart(4))}  ${paint(style, type.padEnd(20))}  ${short}`)
}

/** `text` in colour on a terminal; plain where the output goes to a file, and where NO_COLOR is set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** What an event is about, in a few words. Unknown types are shown by their name. */
function describe(line: string): { type: string; style: Style; text: string } {
  const event = object(JSON.parse(line))
  const type = [event['type'], event['subtype']].filter((part) => typeof part === 'string').join('/')
  switch (event['type']) {
    case 'assistant':
      return { type, style: 'green', text: blocks(event).map(aboutBlock).join('  ') }
    case 'user':
      return { type, style: 'cyan', text: blocks(event).map(aboutBlock).join('  ') }
    case 'result':
      return { type, style: event['is_error'] === true ? 'red' : 'yellow', text: words(event['result']) }
    case 'tool_permission':
      return { type, style: 'magenta', text: `asks whether it may use ${words(event['tool_name'])}` }
    default:
      return { type, style: 'dim', text: about(event) }
  }
}

function aboutBlock(value: unknown): string {
  const block = object(value)
  switch (block['type']) {
    case 'text':
      return words(block['text'])
    case 'tool_use':
      return `calls ${words(block['name'])} ${JSON.stringify(block['input'])}`
    case 'tool_result':
      return `result: ${contentText(block['content'])}`
    default:
      return words(block['type'])
  }
}

function about(event: Record<string, unknown>): string {
  const named = ['claude_code_version', 'cwd', 'state', 'status', 'description'].flatMap((name) =>
    typeof event[name] === 'string' ? `${name} ${event[name]}` : [],
  )
  return named.join('  ')
}

function blocks(event: Record<string, unknown>): unknown[] {
  const content = object(event['message'])['content']
  return Array.isArray(content) ? content : [{ type: 'text', text: content }]
}

function contentText(content: unknown): string {
  return typeof content === 'string' ? content : JSON.stringify(content)
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
