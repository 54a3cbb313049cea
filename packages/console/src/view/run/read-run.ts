import { client } from '../../service.ts'
import type { Event } from './events.ts'
import type { Numbered } from './spans.ts'

/** The events of a run, from the one that began it to its end, or as many as there are yet. */
export async function readRun(id: string, begun: number, signal: AbortSignal): Promise<Numbered[]> {
  const events: Numbered[] = []
  for await (const one of eventsFrom(id, begun, signal)) {
    events.push(one)
    if (one.event.type === 'result') break
  }
  return events
}

/** All events of a conversation from this number on that there are now. */
export async function* eventsFrom(id: string, first: number, signal: AbortSignal): AsyncGenerator<Numbered> {
  const { body } = await client.open('history', { path: { id }, query: { since: first - 1 }, signal })
  const reader = body?.pipeThrough(decoder()).getReader()
  let rest = ''
  let seq = first
  try {
    for (;;) {
      const { done, value = '' } = (await reader?.read()) ?? { done: true }
      if (done) return
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield { seq: seq++, event: JSON.parse(line) as Event }
    }
  } finally {
    // Who has enough does not wait for the rest.
    await reader?.cancel()
  }
}

function decoder(): TransformStream<Uint8Array, string> {
  return new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>
}
