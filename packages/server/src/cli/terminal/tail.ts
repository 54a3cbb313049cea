import type { EventPayload } from '@claude-proxy/protocol/events'
import { conversationOf } from './conversation.ts'
import { follow } from './follow.ts'
import { numberOf } from './options.ts'
import { replay } from './replay.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'
import { createTeller } from './teller.ts'

/** `claude-proxy tail`: what was said, and with `--follow` what will be. */
export async function tail({ said, service }: TerminalCall): Promise<number> {
  const id = await conversationOf(said, service)
  const most = numberOf(said, 'lines')
  const { head } = await service.call('conversation', { path: { id } })
  const screen = createScreen(process.stdout)
  const teller = createTeller(screen)
  let last = most === undefined ? 0 : Math.max(0, head - most)
  const tell = (number: number, event: EventPayload) => {
    last = number
    if (said.is('json')) process.stdout.write(`${JSON.stringify({ conversation_id: id, number, event })}\n`)
    else teller.event(number, event)
  }
  for await (const { number, event } of replay(service, id, last)) tell(number, event)
  if (!said.is('follow')) {
    screen.endGrowing()
    return EXIT.ok
  }
  const over = new AbortController()
  process.once('SIGINT', () => over.abort())
  const withPartials = !said.is('json')
  for await (const sight of follow(service, id, { since: last, signal: over.signal, withPartials })) {
    if (sight.kind === 'event') tell(sight.number, sight.event)
    else if (sight.kind === 'partial') teller.partial(sight.partial)
    else if (sight.kind === 'cut') teller.cut()
    else teller.back()
  }
  screen.endGrowing()
  return EXIT.ok
}
