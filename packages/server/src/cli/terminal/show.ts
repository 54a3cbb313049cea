import { conversationOf } from './conversation.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'
import { cost } from './teller.ts'

/** `claude-proxy show`: a fact a line. */
export async function show({ said, client }: TerminalCall): Promise<number> {
  const found = await client.conversation(await conversationOf(said, client))
  if (said.is('json')) {
    process.stdout.write(`${JSON.stringify(found)}\n`)
    return EXIT.ok
  }
  const screen = createScreen(process.stdout)
  const { model, effort, permission_mode: mode, context, last_error: error, usage } = found
  const facts: [string, unknown][] = [
    ['conversation', found.conversation_id],
    ['title', found.title],
    ['folder', found.cwd],
    ['state', found.state],
    ['tags', found.tags.join(', ')],
    ['model', model.in_use ?? model.asked],
    ['effort', effort.in_use ?? effort.asked],
    ['permissions', mode.in_use ?? mode.asked],
    ['runs', String(found.runs)],
    ['events', String(found.head)],
    ['cost', found.cost_usd === null ? null : cost(found.cost_usd)],
    ['tokens', `${usage.input_tokens} in, ${usage.output_tokens} out`],
    ['context', context && `${context.tokens} tokens${context.percent === null ? '' : `, ${context.percent} %`}`],
    ['last error', error && `${error.code}: ${error.message}`],
    ...found.approvals.map((each): [string, string] => ['asks', `${each.tool_name} (approve ${each.approval_id})`]),
    ...found.queue.map((each): [string, string] => ['waits', each.text]),
  ]
  for (const [name, value] of facts)
    if (typeof value === 'string' && value !== '') screen.line(`${name.padEnd(13)} ${value}`)
  return EXIT.ok
}
