import { AppError } from '@claude-proxy/protocol/errors'
import type { Begun, NewRun } from '../../core/ports.ts'
import { toConversation, type ConversationReads, type ConversationWrites } from './conversations.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'
import type { RunReads } from './runs.ts'

/** A run to begin, as it travels to the writer: its line cut into a piece, its options as JSON. */
export interface RunToBegin extends Omit<NewRun, 'line' | 'options'> {
  readonly lines: readonly Piece[]
  readonly options: string
}

/** How a run begins, and what the name that the client used becomes by it. */
export function beginOperations(
  db: Database,
  reads: ConversationReads,
  writes: ConversationWrites,
  runs: RunReads,
  events: EventWrites,
) {
  const insert = db.prepare(
    `INSERT INTO run (id, c, folder, state, begun_by, text, options, first, begun_at)
     VALUES (?, ?, ?, 'accepted', ?, ?, ?, ?, ?)`,
  )

  /** The conversation that the run goes into. */
  function place(run: RunToBegin): number {
    const own = reads.byId(run.name)
    // the agent's session belongs to this conversation, whether or not the folder has moved on to another
    if (run.begunBy === 'agent') return own?.c ?? unknown(run)
    const canonical = reads.canonical(run.folder)
    const c = canonical?.c ?? own?.c ?? writes.create({ ...run, id: run.name, group: run.group })
    if (canonical === undefined) writes.makeCanonical(run.folder, c)
    else if (reads.folderOf(run.name) === undefined) writes.addAlias(run.name, run.folder)
    return c
  }

  return {
    beginRun(run: RunToBegin): Begun {
      const folder = reads.folderOf(run.name)
      if (folder !== undefined && folder !== run.folder) return { status: 'elsewhere', folder }
      const other = runs.openRun(run.folder)
      if (other !== undefined) return { status: 'busy', run: other }

      const c = place(run)
      writes.setGroup(c, run.group, run.at)
      const { first } = events.append(c, run.lines, run.at)
      insert.run(run.id, c, run.folder, run.begunBy, run.text, run.options, first, run.at)

      const begun = runs.run(run.id)
      const conversation = begun && reads.byId(begun.conversation)
      if (begun === undefined || conversation === undefined) throw new Error('a run is gone right after it was stored')
      return { status: 'begun', run: begun, conversation: toConversation(conversation) }
    },
  }
}

function unknown(run: RunToBegin): never {
  throw new AppError('conversation_unknown', `There is no conversation ${run.name} for the agent to work in.`)
}
