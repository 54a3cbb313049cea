import { setImmediate as nextTick } from 'node:timers/promises'
import type { Clock } from '../../core/ports/outside.ts'
import type { Happening } from '../../core/ports/agent.ts'
import type { Directive } from './directives.ts'
import { text } from './messages.ts'
import type { Ticker } from './ticker.ts'
import { timestamp } from '../../core/timestamp.ts'

export type Load = Extract<Directive, { do: 'load' }>

/** Texts at a steady rate. The schedule is absolute, so that a late burst does not make all later ones late. */
export async function* load(
  { count, rate, size, burst, delay }: Load,
  { sessionId, clock, ticker, signal }: { sessionId: string; clock: Clock; ticker: Ticker; signal: AbortSignal },
): AsyncGenerator<Happening> {
  using pace = ticker.pace(signal)
  if (delay > 0) await pace.until(performance.now() + delay)
  const start = performance.now()
  const padding = 'x'.repeat(size)
  // All timestamps are equally long, so that what surrounds the words is, too.
  const around = JSON.stringify(text('', sessionId, timestamp(clock.now())).payload).length
  for (let n = 0; n < count; n++) {
    if (n % burst === 0) {
      signal.throwIfAborted()
      const moment = rate > 0 ? start + (n / rate) * 1000 : 0
      if (moment - performance.now() >= 1) await pace.until(moment)
      // An agent that floods still shares the loop.
      else if (n % 64 === 0) await nextTick()
    }
    const stamp = `#${n} @ts=${Math.round((performance.timeOrigin + performance.now()) * 1000)}@ `
    const words = stamp + padding.slice(0, Math.max(0, size - around - stamp.length))
    yield text(words, sessionId, timestamp(clock.now()))
  }
}
