import { setTimeout as sleep } from 'node:timers/promises'
import { type Frame, type Outcome, readStream } from './event-stream.ts'
import { beginsContinued, type Cursor } from './seen.ts'
import type { Life, Lives } from './lives.ts'
import type { Random } from './random.ts'
import { replay } from './replay.ts'

export interface Prompt {
  readonly text: string
  /** Its run does not end while the service lives. */
  readonly hangs: boolean
}

/** What a phone has said to the service about one prompt, and what it was told. */
export interface Spoken extends Prompt {
  readonly conversation: string
  /** After a POST that broke off without an answer it looks whether the prompt is there before it repeats it. */
  readonly isCareful: boolean
  /** How often the text was sent, refusals not counted. */
  attempts: number
  /** The lives of the service that it was sent to. */
  readonly lives: Set<number>
  /** It was answered 200, or its event was seen. */
  isAccepted: boolean
}

export interface PhoneOptions {
  readonly conversation: string
  readonly cwd: string
  readonly cursor: Cursor
  /** Lives in which an earlier prompt may still be under way: it broke off before the answer. */
  readonly doubtful: Set<number>
  readonly lives: Lives
  readonly random: Random
  readonly signal: AbortSignal
  /** No prompt is to be sent any more. */
  readonly isClosing: () => boolean
}

/**
 * Sends a prompt and reads on until its run is over, over lost connections and lives of the service. Throws when the
 * service says or does what it may not.
 */
export async function converse(phone: PhoneOptions, prompt: Prompt, isCareful: boolean): Promise<Spoken> {
  const { conversation, cwd, cursor, lives, random, isClosing, doubtful } = phone
  const unanswered = new Set<number>()
  const spoken: Spoken = { ...prompt, conversation, isCareful, attempts: 0, lives: new Set(), isAccepted: false }
  let state: 'unsent' | 'unknown' = 'unsent'
  let after = 0
  let hasPrompt = false
  let hasEnd = false

  for (;;) {
    const life = await lives.current(after)
    const speaks = !isClosing() && maySpeak(life)
    if (isClosing() && !spoken.isAccepted && state === 'unsent') return spoken
    const outcome = await attempt(life, speaks)
    if (speaks && outcome.how !== 'refused') {
      spoken.attempts++
      spoken.lives.add(life.number)
    }
    if (outcome.how === 'refused') {
      if (outcome.status === 503 && life.isOver) after = life.number
      else if (outcome.status === 409 && (doubtful.has(life.number) || (await goesOnByItself(life)))) await sleep(20)
      else if (outcome.status !== 400 || speaks) throw wrong(life, `was refused: ${outcome.status} ${outcome.body}`)
      else if (hasEnd) return done()
      else if (spoken.isAccepted) throw wrong(life, 'nothing runs, but the run of an accepted prompt has no end')
      else state = 'unsent'
    } else if (outcome.how === 'unanswered' && speaks && !spoken.isAccepted) {
      state = 'unknown'
      unanswered.add(life.number)
      // Only a later life can say for sure that it is not there.
      if (isCareful) after = life.number
    } else if (outcome.how === 'ended') {
      if (hasEnd) return done()
      if (!life.isOver && spoken.isAccepted) throw wrong(life, 'the stream ended before the run')
    }
  }

  function done(): Spoken {
    for (const life of unanswered) doubtful.add(life)
    return spoken
  }

  /** Whether the folder may be busy with a run that nobody here has asked for: an answer from before a restart. */
  async function goesOnByItself(life: Life): Promise<boolean> {
    let isNews = false
    await replay(life.base, conversation, cursor.last, ({ data }) => (isNews ||= beginsContinued(data)))
    return isNews || cursor.isInContinued || life.isOver
  }

  function maySpeak(life: Life): boolean {
    if (spoken.isAccepted) return prompt.hangs && !hasEnd && spoken.lives.has(life.number) && random.chance(0.3)
    return state === 'unsent' || !isCareful
  }

  async function attempt(life: Life, speaks: boolean): Promise<Outcome> {
    const cut = new AbortController()
    const cutAfter = random.chance(0.4) ? random.int(1, 200) : Number.POSITIVE_INFINITY
    const answers: Promise<void>[] = []
    let count = 0
    // A careful phone waits for the answer to what it says.
    const isImpatient = random.chance(prompt.hangs ? 0.7 : 0.15) && !(speaks && isCareful)
    const impatience = isImpatient ? setTimeout(() => cut.abort(), random.int(0, 40)) : undefined
    const outcome = await readStream({
      base: life.base,
      body: { conversation_id: conversation, cwd, ...(speaks && { text: prompt.text }) },
      lastEventId: cursor.last,
      cut: AbortSignal.any([cut.signal, phone.signal]),
      answered() {
        if (speaks) spoken.isAccepted = true
      },
      take(frame) {
        cursor.take(frame)
        notice(frame)
        const question = /^\{"type":"tool_permission","permission_id":"([^"]+)"/.exec(frame.data)?.[1]
        if (question !== undefined && random.chance(0.7)) answers.push(allow(life, question))
        if (++count >= cutAfter) cut.abort()
      },
    }).finally(() => clearTimeout(impatience))
    await Promise.all(answers)
    phone.signal.throwIfAborted()
    const isOurs = cut.signal.aborted || life.isOver
    if ((outcome.how === 'broken' || outcome.how === 'unanswered') && !isOurs)
      throw wrong(life, `the connection broke off by itself (${outcome.how})`)
    return outcome
  }

  function notice({ data }: Frame): void {
    if (data.startsWith('{"type":"user"') && promptOf(data) === prompt.text) {
      hasPrompt = true
      hasEnd = false
      spoken.isAccepted = true
    } else if (hasPrompt && isResult(data)) hasEnd = true
  }

  /** Answers a question; that it is over by now is fine. */
  async function allow(life: Life, id: string): Promise<void> {
    const body = JSON.stringify({ conversation_id: conversation, cwd, permission_id: id, behavior: 'allow' })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${life.base}/v1/agent/tool_permission`, { method: 'POST', headers, body }).catch(() => {})
  }

  function wrong(life: Life, what: string): Error {
    return new Error(`${conversation}, life ${life.number}, after event ${cursor.last}, "${prompt.text}": ${what}`)
  }
}

/** The text of a prompt's event; undefined when it is another event. */
export function promptOf(line: string): string | undefined {
  const event: { type?: string; session_id?: string; message?: { content?: { type?: string; text?: string }[] } } =
    JSON.parse(line)
  const [first] = event.message?.content ?? []
  return event.type === 'user' && event.session_id === undefined && first?.type === 'text' ? first.text : undefined
}

export function isResult(line: string): boolean {
  return line.startsWith('{"type":"result"')
}
