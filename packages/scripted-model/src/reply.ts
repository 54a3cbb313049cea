import { resolve } from 'node:path'
import { parseScript, type Part, type Refusal, type Step, type Usage } from './grammar.ts'
import type { Situation } from './situation.ts'

/** What the script answers to one request. */
export type Reply = Answer | { kind: 'refusal'; status: number; retryAfter?: number } | { kind: 'silence' }

interface Answer {
  readonly kind: 'answer'
  readonly thinking?: string
  readonly blocks: readonly ReplyBlock[]
  readonly delayMs: number
  /** Breaks the connection after so many chunks. */
  readonly breaksAfter?: number
  /** The tokens that it says it has used. */
  readonly usage?: Usage | undefined
}

export type ReplyBlock = { type: 'text'; text: string } | { type: 'call'; tool: string; input: Record<string, unknown> }

/** The words that every text of the script's own begins with: nobody shall take it for a model. */
const HONEST_WORDS = 'I am a script, not a model.'

/**
 * Decides the answer. Pure: `refused` says how often this same step was refused so far. A request that offers no
 * tools (the CLI's side requests: titles and the like) is answered with text and never with a call.
 */
export function replyTo(situation: Situation, offersTools: boolean, refused: number): Reply {
  if (situation.asksFor === 'summary') return text(summary(situation))
  if (situation.asksFor === 'notice') return text(`${HONEST_WORDS} I have heard that a background task is over.`)
  const script = parseScript(situation.prompts.at(-1) ?? '')
  if (script.kind === 'none') return text(echo(situation))
  if (script.kind === 'unreadable') return text(`${HONEST_WORDS} I cannot read "${script.line}": ${script.why}.`)
  const step = script.steps[situation.stepsDone]
  if (step === undefined) return text(`${HONEST_WORDS} My script is over.`)
  const refusal = refusalOf(step.refusals, refused)
  if (refusal && 'status' in refusal) {
    const { times: _, ...error } = refusal
    return { kind: 'refusal', ...error }
  }
  if (step.hangs) return { kind: 'silence' }
  const blocks = blocksOf(step, situation, script.steps.length - 1)
  if (!offersTools && blocks.some((block) => block.type === 'call'))
    return text(`${HONEST_WORDS} I have no tools here.`)
  const thoughts = step.parts.flatMap((part) => (part.does === 'think' ? part.text : []))
  return {
    kind: 'answer',
    ...(thoughts.length > 0 && { thinking: thoughts.join('\n\n') }),
    blocks,
    delayMs: step.delayMs,
    ...(refusal && { breaksAfter: refusal.chunks }),
    usage: step.usage,
  }
}

function text(words: string): Reply {
  return { kind: 'answer', blocks: [{ type: 'text', text: words }], delayMs: 0 }
}

function echo({ prompts }: Situation): string {
  const said = `${HONEST_WORDS} You said: ${prompts.at(-1) ?? 'nothing'}`
  return prompts.length > 1 ? `${said}\n\n${recall(prompts)}` : said
}

function recall(prompts: readonly string[]): string {
  const earlier = prompts.slice(0, -1)
  if (earlier.length === 0) return 'You said nothing earlier.'
  return `Earlier you said: ${earlier.map((prompt, at) => `(${at + 1}) ${prompt}`).join('\n')}`
}

/** In the form that the CLI asks for; anything shorter makes it ask again. */
function summary({ prompts }: Situation): string {
  const said = prompts.map((prompt, at) => `(${at + 1}) ${prompt}`).join('\n')
  return `<analysis>\n${HONEST_WORDS} I do not analyse.\n</analysis>\n\n<summary>\nThe person said: ${said}\n</summary>`
}

function refusalOf(refusals: readonly Refusal[], refused: number): Refusal | undefined {
  let before = 0
  for (const refusal of refusals) {
    before += refusal.times
    if (refused < before) return refusal
  }
  return undefined
}

/** Neighbouring texts become one block, as a model would write them. */
function blocksOf(step: Step, situation: Situation, stepsBefore: number): ReplyBlock[] {
  const blocks: ReplyBlock[] = []
  for (const part of step.parts) {
    if (part.does === 'think') continue
    const block = blockOf(part, situation, stepsBefore)
    const last = blocks.at(-1)
    if (block.type === 'text' && last?.type === 'text') last.text += `\n\n${block.text}`
    else blocks.push(block)
  }
  return blocks
}

function blockOf(part: Exclude<Part, { does: 'think' }>, situation: Situation, stepsBefore: number): ReplyBlock {
  switch (part.does) {
    case 'say':
      return { type: 'text', text: part.text }
    case 'recall':
      return { type: 'text', text: recall(situation.prompts) }
    case 'fill':
      return { type: 'text', text: filler(part.bytes) }
    case 'call':
      return { type: 'call', tool: part.tool, input: part.input }
    case 'write':
      return {
        type: 'call',
        tool: 'Write',
        input: { file_path: absolute(part.path, situation.cwd), content: part.content },
      }
    case 'close':
      break
  }
  return { type: 'text', text: part.text ?? closing(stepsBefore) }
}

function closing(stepsBefore: number): string {
  const count = stepsBefore === 1 ? '1 step' : `${stepsBefore} steps`
  return `${HONEST_WORDS} I have followed your directives${stepsBefore === 0 ? '' : `: ${count}`}.`
}

/** Write wants an absolute path. */
function absolute(path: string, cwd: string | undefined): string {
  return cwd === undefined ? path : resolve(cwd, path)
}

const FILLER = 'The script fills this line with words that mean nothing at all, so that it is long.\n'

function filler(bytes: number): string {
  return FILLER.repeat(Math.ceil(bytes / FILLER.length)).slice(0, bytes)
}
