import { emptyView, view } from '@claude-proxy/client/view'
import { conversationOf } from './conversation.ts'
import { createLine } from './line.ts'
import { numberOf } from './options.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'
import { createTeller, restOf } from './teller.ts'

/** `claude-proxy tail`: what was said, and with `--follow` what will be. */
export async function tail({ said, client }: TerminalCall): Promise<number> {
  const id = await conversationOf(said, client)
  const most = numberOf(said, 'lines')
  const { head } = await client.conversation(id)
  const since = most === undefined ? 0 : Math.max(0, head - most)
  const goesOn = said.is('follow')
  if (since >= head && !goesOn) return EXIT.ok
  const screen = createScreen(process.stdout)
  const teller = createTeller(screen)
  const line = createLine(teller)
  process.once('SIGINT', () => line.close())
  const partials = goesOn && !said.is('json')
  let shown = emptyView
  for await (const item of client.follow(id, { since, partials, signal: line.signal, onState: line.onState })) {
    shown = view(shown, item)
    if (!said.is('json')) teller.take(item, shown)
    else if (item.kind === 'event')
      process.stdout.write(`${JSON.stringify({ conversation_id: id, number: item.id, event: item.event })}\n`)
    shown = restOf(shown)
    if (!goesOn && shown.last >= head) break
  }
  screen.endGrowing()
  line.check()
  return EXIT.ok
}
