import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from './random.ts'

export interface Original {
  readonly directory: string
  /** Its conversations, each with the lines that an import has to make of it. */
  readonly conversations: readonly { readonly id: string; readonly cwd: string; readonly lines: readonly string[] }[]
}

/** Writes a data directory as the Python original leaves it: whole conversations, each in a folder of its own. */
export function makeOriginal(directory: string, name: string, count: number, random: Random): Original {
  const conversations = Array.from({ length: count }, (_, n) => {
    const id = `${name}-${n}`
    const cwd = join(directory, 'work', id)
    const lines = Array.from({ length: random.int(0, 4) }, () => aRun(random)).flat()
    const path = join(directory, 'conversations', id)
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'meta.json'), JSON.stringify({ conversation_id: id, cwd }))
    writeFileSync(join(path, 'events.ndjson'), lines.map((line) => `${line}\n`).join(''))
    return { id, cwd, lines }
  })
  return { directory, conversations }
}

function aRun(random: Random): string[] {
  const message = (role: string, text: string) =>
    JSON.stringify({ type: role, message: { role, content: [{ type: 'text', text }] }, session_id: 'from-before' })
  const texts = Array.from({ length: random.int(1, 400) }, (_, n) =>
    message('assistant', `${n} ${'.'.repeat(random.int(0, 600))}`),
  )
  return [message('user', 'go'), ...texts, '{"type":"result","subtype":"success","is_error":false,"result":"ok"}']
}
