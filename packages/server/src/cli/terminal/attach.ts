import type { Client, FollowItem } from '@claude-proxy/client'
import { conversationOf } from './conversation.ts'
import { EXIT, type TerminalCall } from './table.ts'
import { createWatch } from './watch.ts'

/** `claude-proxy attach`: the run that is open, from its beginning to its end. */
export async function attach({ said, client }: TerminalCall): Promise<number> {
  const id = await conversationOf(said, client)
  const found = await client.conversation(id)
  if (found.run_id === null && found.approvals.length === 0 && found.queue.length === 0) {
    process.stderr.write('Nothing runs there. claude-proxy tail shows what was said.\n')
    return EXIT.ok
  }
  const since = found.run_id === null ? found.head : await endBefore(id, found.head, client)
  const watch = createWatch(said, client)
  return watch.show({
    id,
    items: toResult(client.follow(id, { since, ...watch.options })),
    asked: found.approvals.map((each) => ({
      id: each.approval_id,
      about: each.kind,
      tool: each.tool_name,
      input: each.input,
      rules: each.rules,
    })),
    askedUpTo: found.head,
    stop: () => client.interrupt(id),
  })
}

async function* toResult(items: AsyncIterable<FollowItem>): AsyncGenerator<FollowItem> {
  for await (const item of items) {
    yield item
    if (item.kind === 'event' && item.event.type === 'result') return
  }
}

/** The number of the last event of the run before. */
async function endBefore(id: string, head: number, client: Client): Promise<number> {
  let found = 0
  for await (const item of client.follow(id)) {
    if (item.kind !== 'event') continue
    if (item.event.type === 'result' && item.id <= head) found = item.id
    if (item.id >= head) break
  }
  return found
}
