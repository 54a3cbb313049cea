import type { EventPayload } from '@claude-proxy/protocol/events'
import type { Service } from './service.ts'

/** The stored events after `since`, one by one, however many there are. */
export async function* replay(
  service: Service,
  id: string,
  since: number,
): AsyncGenerator<{ readonly number: number; readonly event: EventPayload }> {
  const { body } = await service.open('history', { path: { id }, query: { since: String(since) } })
  let [rest, number] = ['', since]
  for await (const piece of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield { number: ++number, event: JSON.parse(line) as EventPayload }
  }
}
