import type { Renderer } from './renderer.ts'
import { joined, seen } from './text.ts'
import type { Entry, What } from './turns.ts'
import { labelOf } from './words.ts'

/**
 * The transcript as Markdown. What came from outside, the answers too, stands in fences that are longer than any run
 * of backticks in it, or escaped in one line: nothing in it can be taken for a heading of ours, or for HTML.
 */
export function createMarkdown(): Renderer {
  let turn = 0

  return {
    head: ({ conversationId, title, folder, createdAt }) =>
      `# ${inLine(title ?? 'Conversation')}\n\n` +
      `- Conversation: ${inCode(conversationId)}\n- Folder: ${inCode(folder)}\n- Begun: ${inCode(createdAt)}\n`,

    entry(entry) {
      const heading = entry.turn === turn ? '' : `\n## Turn ${entry.turn}\n`
      turn = entry.turn
      return heading + written(entry)
    },

    foot: (last) => `\n---\n\nUp to event ${last}.\n`,
  }
}

function written({ seq, at, depth, what }: Entry): string {
  const marks = [`event ${seq}`, ...(at === undefined ? [] : [inLine(at)])].join(', ')
  return indented(`**${inLine(labelOf(what))}** (${marks})\n${bodyOf(what)}`, depth)
}

function bodyOf(what: What): string {
  if (what.kind === 'asked') return what.summary === '' ? '' : fenced(what.summary, '')
  if (what.kind === 'settled') return what.message === undefined ? '' : fenced(joined(what.message), '')
  if (what.text === undefined) return ''
  return fenced(joined(what.text), what.kind === 'answer' ? 'markdown' : '')
}

/** Subagents stand in quotes, one inside the other. */
function indented(text: string, depth: number): string {
  if (depth === 0) return `\n${text}`
  const lines = text.trimEnd().split('\n')
  return `\n${lines.map((line) => '> '.repeat(depth) + line).join('\n')}\n`
}

function fenced(text: string, language: string): string {
  const body = seen(text)
  const fence = '`'.repeat(Math.max(3, longestRun(body) + 1))
  return `\n${fence}${language}\n${body}\n${fence}\n`
}

function inCode(text: string): string {
  const body = oneLine(text)
  const fence = '`'.repeat(longestRun(body) + 1)
  return `${fence} ${body} ${fence}`
}

/** As literal text in one line: every mark of punctuation may be escaped (CommonMark, section 2.4). */
function inLine(text: string): string {
  return oneLine(text).replaceAll(/[!-/:-@[-`{-~]/g, (mark) => (PLAIN.includes(mark) ? mark : `\\${mark}`))
}

/** What means nothing in the middle of a line. */
const PLAIN = `,.:;-/()'"$%+=?`
const LINE_MOST = 300

function oneLine(text: string): string {
  return seen(text.slice(0, LINE_MOST)).replaceAll(/\s/g, ' ')
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0)
}
