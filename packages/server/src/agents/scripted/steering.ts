import type { RunId } from '@claude-proxy/protocol/ids'
import type { Attached, Happening } from '../../core/ports/agent.ts'
import { listOf, text } from './messages.ts'

interface Given {
  readonly prompt: RunId
  readonly words: string
  readonly attached: readonly Attached[]
}

export type Steering = ReturnType<typeof createSteering>

/** What the scripted agent is steered with: it says the words back between two of its steps, and while it hangs. */
export function createSteering() {
  let waiting: Given[] = []
  let isOpen = true
  let wake: (() => void) | undefined

  return {
    get isOpen() {
      return isOpen
    },

    /** False: nothing is taken any more. */
    give(given: Given): boolean {
      if (!isOpen) return false
      waiting.push(given)
      wake?.()
      return true
    },

    /** What is waiting is left to the next run. */
    close(): void {
      isOpen = false
      waiting = []
    },

    async *take(sessionId: string, now: () => string): AsyncGenerator<Happening> {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        yield { kind: 'steered', prompt: next.prompt, outcome: 'taken' }
        yield text(`You steered me: ${next.words}`, sessionId, now())
        if (next.attached.length > 0) yield text(await listOf(next.attached), sessionId, now())
      }
    },

    /** Resolves when something is given; rejects when the agent is to stop. */
    given(signal: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted()
        const stop = () => reject(signal.reason)
        signal.addEventListener('abort', stop, { once: true })
        wake = () => {
          signal.removeEventListener('abort', stop)
          resolve()
        }
        if (waiting.length > 0) wake()
      })
    },
  }
}
