import { resolve } from 'node:path'
import { numberOf } from './options.ts'
import { createScreen } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy search`: where, and the words around it. Finding nothing is a failure, as it is of grep. */
export async function search({ said, client }: TerminalCall): Promise<number> {
  const [q = ''] = said.words
  const cwd = said.text('cwd')
  const folder = cwd !== undefined && said.text('host') === undefined ? resolve(cwd) : cwd
  const limit = Math.min(numberOf(said, 'limit') ?? 20, 100)
  const { hits, up_to_date: isComplete } = await client.search({ q, cwd: folder, limit })
  const screen = createScreen(process.stdout)
  for (const hit of hits) {
    if (said.is('json')) process.stdout.write(`${JSON.stringify(hit)}\n`)
    else {
      screen.line(`${hit.conversation_id} ${hit.event_id}  ${hit.title ?? hit.cwd}`, 'bold')
      screen.text(hit.snippet.text, undefined, '  ')
    }
  }
  if (!isComplete) process.stderr.write('claude-proxy: the index is still being filled; there may be more.\n')
  return hits.length > 0 ? EXIT.ok : EXIT.failed
}
