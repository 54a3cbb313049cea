import { readNdjson } from './wire.ts'

/** What a reader was given: number and line, in the order of their coming. */
export interface Seen {
  readonly id: number
  readonly data: string
}

/** All lines of a conversation, as the service has them. Event n is at n - 1. */
export async function linesOf(base: string, conversation: string): Promise<readonly string[]> {
  const lines: string[] = []
  const heard = await readNdjson(base, conversation, 0, (_, data) => lines.push(data), { silenceMs: 30_000 })
  if (!heard.whole) throw new Error(`${conversation} cannot be read: ${heard.status} ${heard.text}`)
  return lines
}

/** Throws at the first event that is missing, repeated, misplaced or different. */
export function checkSame(who: string, seen: readonly Seen[], truth: readonly string[], after = 0): void {
  for (const [n, { id, data }] of seen.entries()) {
    if (id !== after + n + 1) throw new Error(`${who} got event ${id} where ${after + n + 1} belongs`)
    const line = truth[id - 1]
    if (data !== line) throw new Error(`${who} got another event ${id}: ${brief(data)} instead of ${brief(line)}`)
  }
}

export function isResult(data: string | undefined): boolean {
  return data?.startsWith('{"type":"result"') ?? false
}

/** How a run went, as its conversation tells it. */
export interface Told {
  readonly prompt: string
  readonly events: number
  readonly result: { readonly subtype: string; readonly is_error: boolean; readonly result: string }
}

/** The runs of a conversation. Throws unless each begins with its prompt and ends with exactly one result in words. */
export function runsOf(conversation: string, lines: readonly string[]): readonly Told[] {
  const runs: Told[] = []
  let prompt: string | undefined
  let events = 0
  for (const [n, line] of lines.entries()) {
    const where = `${conversation}, event ${n + 1}`
    events++
    if (prompt === undefined) {
      prompt = promptIn(line)
      if (prompt === undefined) throw new Error(`${where}: a run begins with ${brief(line)}`)
      events = 1
    } else if (isResult(line)) {
      const result = JSON.parse(line) as Told['result']
      if (typeof result.result !== 'string' || result.result.trim() === '')
        throw new Error(`${where}: a result without words: ${brief(line)}`)
      runs.push({ prompt, events, result })
      prompt = undefined
    }
  }
  if (prompt !== undefined) throw new Error(`${conversation}: the last run has no result; ${brief(lines.at(-1))}`)
  return runs
}

function promptIn(line: string): string | undefined {
  if (!line.startsWith('{"type":"user"')) return undefined
  const event = JSON.parse(line) as { message?: { content?: { text?: string }[] } }
  return event.message?.content?.[0]?.text
}

/** Throws unless the texts of a load are all there, each once, in the order in which they were made; `cut`: the first ones. */
export function checkLoad(conversation: string, lines: readonly string[], count: number, cut = false): void {
  const numbers = lines.flatMap((line) => /"text":"#(\d+) /.exec(line)?.[1] ?? []).map(Number)
  const wrong = numbers.findIndex((number, n) => number !== n)
  if (wrong >= 0) throw new Error(`${conversation}: text ${numbers[wrong]} stands where ${wrong} belongs`)
  if (cut ? numbers.length > count : numbers.length !== count)
    throw new Error(`${conversation}: ${numbers.length} of ${count} texts were stored`)
}

function brief(line: string | undefined): string {
  return line === undefined ? 'nothing' : line.slice(0, 160)
}
