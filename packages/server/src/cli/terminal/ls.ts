import { resolve } from 'node:path'
import type { AnswerOf } from '@claude-proxy/client'
import { numberOf } from './options.ts'
import { createScreen, oneLine } from './screen.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy ls`: a conversation a line, those that were active last first. */
export async function list({ said, client }: TerminalCall): Promise<number> {
  const most = numberOf(said, 'limit') ?? (said.is('all') ? Infinity : 30)
  const cwd = said.text('cwd')
  const folder = cwd !== undefined && said.text('host') === undefined ? resolve(cwd) : cwd
  const screen = createScreen(process.stdout)
  let [shown, cursor]: [number, string | undefined] = [0, undefined]
  do {
    const limit = Math.min(most - shown, 200)
    const page: AnswerOf<'conversations'> = await client.conversations(
      { cwd: folder, cursor, limit },
      // A shell that completes a word waits for this.
      { timeoutMs: said.is('quiet') ? QUIET_MS : undefined },
    )
    for (const each of page.conversations) {
      if (said.is('quiet')) process.stdout.write(`${each.conversation_id}\t${oneLine(each.title ?? each.cwd)}\n`)
      else if (said.is('json')) process.stdout.write(`${JSON.stringify(each)}\n`)
      else {
        // That its last run failed is news while nothing else goes on.
        const hasFailed = each.state === 'idle' && each.last_error !== null
        const { mark, style } = LOOKS[hasFailed ? 'failed' : each.state]
        const about = `${hasFailed ? 'failed · ' : ''}${each.title ?? ''}`
        screen.line(`${mark} ${each.conversation_id}  ${age(each.active_at)}  ${about}  ${each.cwd}`, style)
      }
    }
    shown += page.conversations.length
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined && shown < most)
  return EXIT.ok
}

const QUIET_MS = 5000
const LOOKS = {
  idle: { mark: ' ', style: undefined },
  running: { mark: '▶', style: 'green' },
  waiting: { mark: '?', style: 'yellow' },
  failed: { mark: '✗', style: 'red' },
} as const

function age(instant: string): string {
  const minutes = Math.max(0, Date.now() - Date.parse(instant)) / 60_000
  if (minutes < 60) return `${Math.floor(minutes)}m`.padStart(4)
  return (minutes < 60 * 48 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 1440)}d`).padStart(4)
}
