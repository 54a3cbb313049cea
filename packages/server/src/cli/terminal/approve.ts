import { bodyOfCall } from '@claude-proxy/protocol/transcript/call'
import { createScreen, oneLine } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy approve`: what waits for a person, or the answer to one of it. */
export async function approve({ said, client }: TerminalCall): Promise<number> {
  const [id] = said.words
  const screen = createScreen(process.stdout)
  if (id === undefined) {
    const { approvals } = await client.approvals()
    for (const each of approvals) {
      if (said.is('quiet')) process.stdout.write(`${each.approval_id}\t${oneLine(each.tool_name)}\n`)
      else if (said.is('json')) process.stdout.write(`${JSON.stringify(each)}\n`)
      else {
        screen.line(`${each.approval_id}  ${each.tool_name}  in ${each.conversation_id}`, 'yellow')
        screen.text(bodyOfCall(each.tool_name, each.input), undefined, '    ')
      }
    }
    return EXIT.ok
  }
  const message = said.text('message')
  const settled = await client.answer(id, {
    behavior: said.is('deny') ? 'deny' : 'allow',
    ...(message !== undefined && { message }),
    ...(said.is('always') && { remember: 'project' }),
  })
  if (said.is('json')) process.stdout.write(`${JSON.stringify(settled)}\n`)
  else screen.line(`${settled.tool_name}: ${settled.state}`)
  return EXIT.ok
}
