import { conversationOf } from './conversation.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy queue`: a prompt a line, in the order in which they begin. */
export async function queue({ said, client }: TerminalCall): Promise<number> {
  const found = await client.queue(await conversationOf(said, client))
  if (said.is('json')) {
    for (const each of found.prompts) process.stdout.write(`${JSON.stringify(each)}\n`)
    return EXIT.ok
  }
  const screen = createScreen(process.stdout)
  if (found.others_ahead > 0) screen.line(`${found.others_ahead} of other conversations come first.`, 'dim')
  for (const [n, { prompt_id: id, text, state }] of found.prompts.entries())
    screen.line(`${n + 1}. ${id} ${state}  ${text}`)
  return EXIT.ok
}
