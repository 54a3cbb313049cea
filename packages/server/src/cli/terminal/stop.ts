import { conversationOf } from './conversation.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy stop`: stops the run, and says what it has stopped. */
export async function stop({ said, service }: TerminalCall): Promise<number> {
  const path = { id: await conversationOf(said, service) }
  const body = { scope: said.is('all') ? 'all' : 'turn' }
  const {
    stopped,
    cancelled_prompt_ids: cancelled,
    still_queued: queued,
  } = await service.call('interrupt', { path, body })
  const screen = createScreen(process.stdout)
  screen.line(stopped.run_id === null ? 'Nothing was running.' : `Stopped run ${stopped.run_id}.`)
  if (cancelled.length > 0) screen.line(`Took back ${cancelled.length} that waited.`)
  if (queued.length > 0) screen.line(`${queued.length} still wait.`)
  return EXIT.ok
}
