/**
 * The small language in which a prompt tells the script what to do, one directive a line:
 *
 *     @say TEXT              says TEXT
 *     @think TEXT            thinks TEXT before it says anything
 *     @recall                says back every earlier prompt of this session
 *     @text BYTES            says BYTES bytes of filler
 *     @bash COMMAND          calls Bash
 *     @write PATH CONTENT    calls Write; a PATH with blanks goes in double quotes, `\n` in CONTENT is a new line
 *     @tool NAME {json}      calls any tool
 *     @slow MS               MS milliseconds between the chunks of this response and of all later ones
 *     @status CODE [TIMES [SECONDS]]
 *                            answers the next response's request with an HTTP error, always or TIMES times; SECONDS is
 *                            what it asks to wait (Retry-After)
 *     @break CHUNKS          breaks the connection once, after CHUNKS chunks of the next response
 *     @hang                  never answers
 *     @usage IN OUT          says that this response and all later ones have used IN and OUT tokens
 *     @end TEXT              the closing text, instead of the default one
 *
 * A response is text followed by one tool call; the result of the call asks for the next response. `& ` before a
 * directive puts it into the same response as the one before: parallel calls. The closing text is the last response,
 * together with the texts that no call follows. Lines that are no directives are for the reader.
 */
export type Script =
  | { kind: 'none' }
  | { kind: 'unreadable'; line: string; why: string }
  | { kind: 'steps'; steps: readonly Step[] }

/** One response of the script. */
export interface Step {
  readonly parts: readonly Part[]
  /** Milliseconds between the chunks of the response; 0 sends it at once. */
  readonly delayMs: number
  /** What to answer with before the response is given, in this order. */
  readonly refusals: readonly Refusal[]
  readonly hangs: boolean
  /** The tokens that the response says it has used; none, unless it is told to. */
  readonly usage: Usage | undefined
}

export interface Usage {
  readonly input: number
  readonly output: number
}

export type Part =
  | { does: 'say'; text: string }
  | { does: 'think'; text: string }
  | { does: 'recall' }
  | { does: 'fill'; bytes: number }
  | { does: 'call'; tool: string; input: Record<string, unknown> }
  | { does: 'write'; path: string; content: string }
  /** `text` undefined: the default closing text. */
  | { does: 'close'; text: string | undefined }

/** An error, or the beginning of the answer and no more. */
export type Refusal =
  | { readonly status: number; readonly times: number; readonly retryAfter?: number }
  | { readonly chunks: number; readonly times: 1 }

/** Reads the directives in a prompt. Pure: it neither runs nor resolves anything. */
export function parseScript(prompt: string): Script {
  const directives = prompt.split(/\r?\n/).flatMap((line) => readLine(repeated(line)) ?? [])
  if (directives.length === 0) return { kind: 'none' }
  const steps: Step[] = []
  let step = emptyStep(0, undefined)
  let closing: string | undefined
  const next = () => {
    steps.push(step)
    step = emptyStep(step.delayMs, step.usage)
  }
  for (const directive of directives) {
    const read = READERS[directive.name](directive.rest)
    if (typeof read === 'string') return { kind: 'unreadable', line: directive.line, why: read }
    switch (read.does) {
      case 'slow':
        step.delayMs = read.ms
        break
      case 'use':
        step.usage = read.usage
        break
      case 'end':
        closing = read.text
        break
      case 'refuse':
        if (saysSomething(step)) next()
        step.refusals.push(read.refusal)
        break
      case 'hang':
        if (saysSomething(step)) next()
        step.hangs = true
        next()
        break
      default:
        if (isCalling(step) && !directive.joins) next()
        step.parts.push(read)
    }
  }
  if (isCalling(step)) next()
  step.parts.push({ does: 'close', text: closing })
  next()
  return { kind: 'steps', steps }
}

/** A step that is still being built. */
type OpenStep = { parts: Part[]; delayMs: number; refusals: Refusal[]; hangs: boolean; usage: Usage | undefined }

/** What a line comes to: a part of a response, a setting, or why it cannot be read. */
type Read =
  | Part
  | { does: 'slow'; ms: number }
  | { does: 'refuse'; refusal: Refusal }
  | { does: 'hang' }
  | { does: 'use'; usage: Usage }
  | { does: 'end'; text: string }
  | string

const READERS = {
  say: (rest): Read => (rest === '' ? 'a text is missing' : { does: 'say', text: withNewlines(rest) }),
  think: (rest): Read => (rest === '' ? 'a text is missing' : { does: 'think', text: withNewlines(rest) }),
  recall: (): Read => ({ does: 'recall' }),
  text: (rest): Read => {
    const bytes = wholeNumber(rest)
    if (bytes === undefined || bytes < 1 || bytes > MOST_BYTES) return `a number from 1 to ${MOST_BYTES} is missing`
    return { does: 'fill', bytes }
  },
  bash: (rest): Read =>
    rest === ''
      ? 'a command is missing'
      : { does: 'call', tool: 'Bash', input: { command: rest, description: 'Run a command of the script' } },
  write: (rest): Read => {
    const found = /^(?:"(?<quoted>[^"]+)"|(?<bare>\S+))(?:\s(?<content>.*))?$/s.exec(rest)?.groups
    const path = found?.['quoted'] ?? found?.['bare']
    if (path === undefined) return 'a path is missing'
    return { does: 'write', path, content: withNewlines(found?.['content'] ?? '') }
  },
  tool: (rest): Read => {
    const [, tool, json] = /^(\S+)\s*(.*)$/s.exec(rest) ?? []
    if (tool === undefined) return 'the name of a tool is missing'
    const input = jsonObject(json === '' || json === undefined ? '{}' : json)
    return input === undefined ? 'what follows the name is not a JSON object' : { does: 'call', tool, input }
  },
  slow: (rest): Read => {
    const ms = wholeNumber(rest)
    return ms === undefined ? 'a number of milliseconds is missing' : { does: 'slow', ms }
  },
  status: (rest): Read => {
    const [code = '', count, seconds] = rest.split(/\s+/)
    const status = wholeNumber(code)
    const times = count === undefined ? Number.POSITIVE_INFINITY : wholeNumber(count)
    if (status === undefined || status < 400 || status > 599) return 'an HTTP status from 400 to 599 is missing'
    if (times === undefined) return 'how many times is not a number'
    const retryAfter = seconds === undefined ? undefined : wholeNumber(seconds)
    return { does: 'refuse', refusal: { status, times, ...(retryAfter !== undefined && { retryAfter }) } }
  },
  break: (rest): Read => {
    const chunks = wholeNumber(rest)
    return chunks ? { does: 'refuse', refusal: { chunks, times: 1 } } : 'a number of chunks is missing'
  },
  hang: (): Read => ({ does: 'hang' }),
  usage: (rest): Read => {
    const [input, output] = rest.split(/\s+/).map(wholeNumber)
    return input === undefined || output === undefined ? 'two numbers of tokens are missing' : use(input, output)
  },
  end: (rest): Read => (rest === '' ? 'a text is missing' : { does: 'end', text: withNewlines(rest) }),
} satisfies Record<string, (rest: string) => Read>

/** The most that `@text` gives: more would test the machine's memory and nothing else. */
const MOST_BYTES = 64 * 1024 * 1024

interface Directive {
  readonly name: keyof typeof READERS
  readonly rest: string
  readonly joins: boolean
  readonly line: string
}

/** The directive in a line, if there is one. An unknown name (`@alice`, `@src/main.ts`) is an ordinary word. */
function readLine(line: string): Directive | undefined {
  const [, joins, name, rest] = /^(&\s*)?@([a-z]+)(?:\s+(\S.*))?$/s.exec(line.trim()) ?? []
  if (name === undefined || !isDirective(name)) return undefined
  return { name, rest: rest ?? '', joins: joins !== undefined, line: line.trim() }
}

function isDirective(name: string): name is keyof typeof READERS {
  return Object.hasOwn(READERS, name)
}

function use(input: number, output: number): Read {
  return { does: 'use', usage: { input, output } }
}

function emptyStep(delayMs: number, usage: Usage | undefined): OpenStep {
  return { parts: [], delayMs, refusals: [], hangs: false, usage }
}

/** A thought alone is no response. */
function saysSomething(step: OpenStep): boolean {
  return step.parts.some((part) => part.does !== 'think')
}

function isCalling(step: OpenStep): boolean {
  return step.parts.some((part) => part.does === 'call' || part.does === 'write')
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function withNewlines(text: string): string {
  return text.replaceAll('\\n', '\n')
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** What a person has allowed after a restart is called once more, as a model would do that is told so. */
function repeated(line: string): string {
  const [, tool, rest = ''] = /^\d{1,3}\. (\w+) (\{.*)$/.exec(line) ?? []
  const end = rest.indexOf(': allowed.')
  return tool === undefined || end < 0 ? line : `@tool ${tool} ${rest.slice(0, end)}`
}
