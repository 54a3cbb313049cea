import { createInterface, type Interface } from 'node:readline/promises'
import { type Client, ClaudeProxyError } from '@claude-proxy/client'
import type { Question } from '@claude-proxy/client/view'
import { bodyOfCall } from '@claude-proxy/protocol/transcript/call'
import { seen } from '@claude-proxy/protocol/transcript/text'
import { answersOf, type Chosen, optionsOf, readChoice } from './questions.ts'
import { oneLine, type Screen } from './screen.ts'

/** What an agent asks, from its event or from the list of what waits. */
export type Asked = Pick<Question, 'id' | 'about' | 'tool' | 'input' | 'rules'>

/** Puts an agent's questions to the person at the terminal, one at a time, and sends what they say. */
export interface Asker {
  ask(asked: Asked): void
  /** Somebody else has answered, or it is too late. */
  settled(id: string): void
  close(): void
}

interface Surroundings {
  readonly client: Client
  readonly screen: Screen
  /** Ctrl-C, which does not come as a signal while a line is read. */
  readonly onInterrupt: () => void
  readonly onError: (error: unknown) => void
}

type Answer = Parameters<Client['answer']>[1]

export function createAsker({ client, screen, onInterrupt, onError }: Surroundings): Asker {
  const waiting: Asked[] = []
  let current: { readonly id: string; readonly stop: AbortController } | undefined

  return {
    ask(asked) {
      if (current?.id === asked.id || waiting.some(({ id }) => id === asked.id)) return
      waiting.push(asked)
      if (!current) void next()
    },
    settled(id) {
      if (current?.id === id) current.stop.abort()
      const at = waiting.findIndex((each) => each.id === id)
      if (at >= 0) waiting.splice(at, 1)
    },
    close() {
      waiting.length = 0
      current?.stop.abort()
    },
  }

  async function next(): Promise<void> {
    const asked = waiting.shift()
    if (!asked) return
    const stop = new AbortController()
    current = { id: asked.id, stop }
    introduce(asked)
    screen.hold()
    const lines = createInterface({ input: process.stdin, output: process.stdout })
    lines.on('SIGINT', onInterrupt)
    // The end of the input answers nothing.
    lines.once('close', () => stop.abort())
    try {
      const body = await decide(asked, lines, stop.signal)
      await client.answer(asked.id, body)
    } catch (error) {
      if (!stop.signal.aborted && !(error instanceof ClaudeProxyError && error.code === 'already_resolved'))
        onError(error)
      else process.stdout.write('\n')
    } finally {
      lines.close()
      screen.release()
      current = undefined
    }
    return next()
  }

  function introduce({ about, tool, input }: Asked): void {
    if (about === 'question') return
    screen.line(about === 'plan' ? 'The agent has a plan:' : `${tool} needs your permission:`, 'yellow')
    const plan = input['plan']
    screen.text(about === 'plan' && typeof plan === 'string' ? plan : bodyOfCall(tool, input), undefined, '    ')
  }
}

async function decide(asked: Asked, lines: Interface, signal: AbortSignal): Promise<Answer> {
  if (asked.about === 'question') return { behavior: 'allow', answers: await choose(asked, lines, signal) }
  const always = asked.rules.length > 0 ? '[s]ession, [a]lways, ' : ''
  const edit = asked.about === 'tool' ? '[e]dit, ' : ''
  for (;;) {
    const word = (await lines.question(`Allow? [y]es, ${always}${edit}[n]o: `, { signal })).trim().toLowerCase()
    if (word === 'y' || word === 'yes') return { behavior: 'allow' }
    if (always !== '' && word === 's') return { behavior: 'allow', remember: 'session' }
    if (always !== '' && word === 'a') return { behavior: 'allow', remember: 'project' }
    if (word === 'n' || word === 'no') {
      const message = await lines.question('Why? (for the agent; may be empty) ', { signal })
      return { behavior: 'deny', ...(message.trim() !== '' && { message }) }
    }
    if (edit !== '' && word === 'e') {
      const input = await editInput(asked.input, lines, signal)
      if (input) return { behavior: 'allow', updated_input: input }
    }
  }
}

/** The one command, or all of it as JSON, on a line to change. What is not plain is escaped: it would act as keys. */
async function editInput(
  input: Asked['input'],
  lines: Interface,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const { command } = input
  const isPlain = typeof command === 'string' && !/[\n\t]/.test(command) && seen(command) === command
  const before = isPlain ? command : ascii(JSON.stringify(input))
  const answer = lines.question('> ', { signal })
  lines.write(before)
  const text = await answer
  if (isPlain) return { ...input, command: text }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // It is asked again.
  }
  process.stdout.write('That is no JSON object.\n')
  return undefined
}

function ascii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

async function choose(asked: Asked, lines: Interface, signal: AbortSignal): Promise<Record<string, string>> {
  const chosen: Chosen[] = []
  for (const question of optionsOf(asked.input)) {
    process.stdout.write(`\n${oneLine(question.text)}\n`)
    for (const [n, { label, description }] of question.options.entries())
      process.stdout.write(`  ${n + 1}. ${oneLine(label)}${description && ` - ${oneLine(description)}`}\n`)
    const hint = question.isMultiple ? 'numbers by comma, or your own words' : 'a number, or your own words'
    let answer: string | undefined
    while (answer === undefined) answer = readChoice(await lines.question(`(${hint}) `, { signal }), question)
    chosen.push({ question: question.text, answer })
  }
  return answersOf(chosen)
}

/** Whether somebody sits there who can be asked. */
export function isAttended(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY
}
