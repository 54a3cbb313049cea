import { json } from './text.ts'

const TELLING = ['command', 'file_path', 'notebook_path', 'path', 'pattern', 'url', 'query', 'description', 'skill']
const SUMMARY_MOST = 120

/** A tool call in a few words: the one thing of its input that tells most. */
export function summaryOfCall(input: unknown): string {
  const fields = fieldsOf(input)
  const found = TELLING.map((name) => fields[name]).find((value) => typeof value === 'string' && value !== '')
  if (typeof found !== 'string') return ''
  const [line = ''] = found.split('\n', 1)
  return line.length > SUMMARY_MOST || line.length < found.length ? `${line.slice(0, SUMMARY_MOST)}…` : line
}

/** What goes into a tool, as a person would write it down. */
export function bodyOfCall(tool: string, input: unknown): string {
  const { command, file_path: path, content, old_string: before, new_string: after } = fieldsOf(input)
  if (tool === 'Bash' && typeof command === 'string') return command
  if (tool === 'Write' && typeof path === 'string' && typeof content === 'string') return `${path}\n\n${content}`
  if (tool === 'Edit' && typeof path === 'string' && typeof before === 'string' && typeof after === 'string')
    return `${path}\n\n${marked('-', before)}\n${marked('+', after)}`
  return json(input)
}

function marked(mark: string, text: string): string {
  return text
    .split('\n')
    .map((line) => mark + line)
    .join('\n')
}

function fieldsOf(input: unknown): Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null ? { ...input } : {}
}
