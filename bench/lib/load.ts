import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { nowUs } from './clock.ts'

/** What a prompt asks of the scripted agent with `@load`. */
export interface Load {
  readonly count: number
  /** Events a second; 0: as fast as it goes. */
  readonly rate: number
  /** Bytes of an event's line. */
  readonly size: number
  /** Milliseconds before the first, in which what goes before it at the service, the answer to its question, gets through. */
  readonly delay?: number
}

export function loadDirective({ count, rate, size, delay = 0 }: Load): string {
  return `@load n=${count} rate=${rate} size=${size} delay=${delay}`
}

/** The line of event number `n` of a load, of `size` bytes, stamped with the time when it is made. */
export function eventLine(n: number, size: number): string {
  const before = `{"type":"assistant","message":{"role":"assistant","model":"scripted","content":[{"type":"text","text":"#${n} @ts=${Math.round(nowUs())}@ `
  return before + 'x'.repeat(Math.max(0, size - before.length - AFTER.length)) + AFTER
}

const AFTER = `"}]},"parent_tool_use_id":null,"session_id":"00000000-0000-4000-8000-000000000000","timestamp":"2026-01-01T00:00:00.000Z"}`

/** The pace of the scripted agent, for baselines: an absolute schedule; as fast as it goes, the loop is still shared. */
export async function* paced({ count, rate }: Load): AsyncGenerator<number> {
  const start = performance.now()
  for (let n = 0; n < count; n++) {
    const wait = rate > 0 ? start + (n / rate) * 1000 - performance.now() : 0
    if (wait >= 1) await sleep(wait)
    else if (n % 64 === 0) await nextTick()
    yield n
  }
}
