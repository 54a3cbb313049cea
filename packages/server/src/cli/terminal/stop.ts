import { conversationOf } from './conversation.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy stop`: stops the run, and says what it has stopped. */
export async function stop({ said, client }: TerminalCall): Promise<number> {
  const id = await conversationOf(said, client)
  const {
    stopped,
    cancelled_prompt_ids: cancelled,
    still_queued: queued,
  } = await client.interrupt(id, { scope: said.is('all') ? 'all' : 'turn' })
  const screen = createScreen(process.stdout)
  screen.line(stopped.run_id === null ? 'Nothing was running.' : `Stopped run ${stopped.run_id}.`)
  if (cancelled.length > 0) screen.line(`Took back ${cancelled.length} that waited.`)
  if (queued.length > 0) screen.line(`${queued.length} still wait.`)
  return EXIT.ok
}
