import { setImmediate as nextTick } from 'node:timers/promises'
import type { Happening } from '../../core/ports/agent.ts'
import type { Clock } from '../../core/ports/outside.ts'
import type { Directive } from './directives.ts'
import { text } from './messages.ts'
import type { Ticker } from './ticker.ts'
import { timestamp } from '../../core/timestamp.ts'

type Draft = Extract<Directive, { do: 'draft' }>

const WORDS = 'This text is shown while it is being written, piece by piece. '

/** One text that can be watched while it is being written, as a model's can. */
export async function* draft(
  { size, chunk, every }: Draft,
  { sessionId, clock, ticker, signal }: { sessionId: string; clock: Clock; ticker: Ticker; signal: AbortSignal },
): AsyncGenerator<Happening> {
  using pace = ticker.pace(signal)
  const words = WORDS.repeat(Math.ceil(size / WORDS.length)).slice(0, size)
  const start = performance.now()
  yield { kind: 'partial', update: { kind: 'message', parent: null } }
  yield { kind: 'partial', update: { kind: 'block', parent: null, block: 0, about: { kind: 'text' }, text: '' } }
  for (let at = 0; at < size; at += chunk) {
    signal.throwIfAborted()
    const moment = start + (at / chunk) * every
    if (moment - performance.now() >= 1) await pace.until(moment)
    else await nextTick()
    const piece = words.slice(at, at + chunk)
    yield { kind: 'partial', update: { kind: 'more', parent: null, block: 0, text: piece } }
  }
  yield text(words, sessionId, timestamp(clock.now()))
}
