import { conversationOf } from './conversation.ts'
import type { Fate } from './ending.ts'
import { replay } from './replay.ts'
import { EXIT, type TerminalCall } from './table.ts'
import { watchRun } from './watch.ts'

/** `claude-proxy attach`: the run that is open, from its beginning to its end. */
export async function attach({ said, service }: TerminalCall): Promise<number> {
  const id = await conversationOf(said, service)
  const found = await service.call('conversation', { path: { id } })
  if (found.run_id === null && found.approvals.length === 0 && found.queue.length === 0) {
    process.stderr.write('Nothing runs there. claude-proxy tail shows what was said.\n')
    return EXIT.ok
  }
  return watchRun({
    service,
    said,
    id,
    since: found.run_id === null ? found.head : await endBefore(id, found.head, service),
    asked: found.approvals.map((each) => ({
      id: each.approval_id,
      kind: each.kind,
      tool: each.tool_name,
      input: each.input,
      rules: each.rules,
    })),
    fate: ({ type }): Fate => (type === 'result' ? 'over' : 'working'),
    stop: () => service.call('interrupt', { path: { id } }),
  })
}

/** The number of the last event of the run before. */
async function endBefore(id: string, head: number, service: TerminalCall['service']): Promise<number> {
  let found = 0
  for await (const { number, event } of replay(service, id, 0)) {
    if (number > head) break
    if (event.type === 'result') found = number
  }
  return found
}
