import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { NewAttachment } from '../../core/ports/attachment.ts'
import type { Begun, NewRun, Run } from '../../core/ports/run.ts'
import type { Conversation } from '../../core/ports/conversation.ts'
import { titleOf } from '../../core/titles.ts'
import { certain } from '../../core/certain.ts'
import type { AttachmentWrites } from './attachments.ts'
import { toConversation, type ConversationReads, type ConversationWrites } from './conversations.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'
import type { PromptReads } from './prompts.ts'
import type { RequestReads, RequestWrites } from './requests.ts'
import type { RunReads } from './runs.ts'

/** A run to begin, as it travels to the writer: its line cut into a piece, its options as JSON. */
export interface RunToBegin extends Omit<NewRun, 'line' | 'options'> {
  readonly lines: readonly Piece[]
  readonly options: string
}

export type Placing = ReturnType<typeof placing>

/** Which conversation a prompt goes into, and what the name that its client used becomes by it. */
export function placing(reads: ConversationReads, writes: ConversationWrites) {
  return ({ name, isOwn, folder, cwd, group, at }: Named): number => {
    const own = reads.byId(name)
    if (isOwn) return own?.c ?? unknown(name)
    const canonical = reads.canonical(folder)
    const c = canonical?.c ?? own?.c ?? writes.create({ id: name, folder, cwd, group, at })
    if (canonical === undefined) writes.makeCanonical(folder, c)
    else if (reads.folderOf(name) === undefined) writes.addAlias(name, folder)
    writes.setGroup(c, group, at)
    return c
  }
}

interface Named {
  readonly name: ConversationId
  readonly isOwn?: boolean | undefined
  readonly folder: Folder
  readonly cwd: string
  readonly group?: string | undefined
  readonly at: number
}

export type RunWrites = ReturnType<typeof writeRuns>

/** Making runs, for whatever has found that one may begin. */
export function writeRuns(
  db: Database,
  reads: ConversationReads,
  runs: RunReads,
  events: EventWrites,
  attachments: AttachmentWrites,
) {
  const insert = db.prepare(
    `INSERT INTO run (id, c, folder, state, begun_by, text, attachments, options, first, begun_at)
     VALUES (?, ?, ?, 'accepted', ?, ?, ?, ?, ?, ?)`,
  )
  const note = db.prepare('UPDATE conversation SET active_at = ?, title = coalesce(title, ?) WHERE c = ?')
  return {
    begin(c: number, run: RunToStore): { status: 'begun'; run: Run; conversation: Conversation } {
      const { first } = events.append(c, run.lines, run.at)
      note.run(run.at, run.begunBy === 'client' ? (titleOf(run.text) ?? null) : null, c)
      const attached = attachments.refer(c, run.attachments)
      insert.run(run.id, c, run.folder, run.begunBy, run.text, attached, run.options, first, run.at)
      const begun = certain(runs.run(run.id), 'a run that was just stored')
      const conversation = certain(reads.byId(begun.conversation), 'the conversation of a run')
      return { status: 'begun', run: begun, conversation: toConversation(conversation) }
    },
  }
}

interface RunToStore {
  readonly id: RunId
  readonly folder: Folder
  readonly begunBy: 'client' | 'agent'
  readonly text: string
  readonly attachments?: readonly NewAttachment[] | undefined
  readonly options: string
  readonly lines: readonly Piece[]
  readonly at: number
}

/** How a run begins that nobody had to wait for. */
export function beginOperations(
  reads: ConversationReads,
  place: Placing,
  runs: RunReads & RunWrites,
  prompts: PromptReads,
  requests: RequestReads & RequestWrites,
) {
  return {
    beginRun(run: RunToBegin): Begun {
      const folder = reads.folderOf(run.name)
      if (folder !== undefined && folder !== run.folder) return { status: 'elsewhere', folder }
      const known = requests.requestOf(run.folder, run.key)
      if (known !== undefined) return known
      const other = runs.openRun(run.folder)
      if (other !== undefined) return { status: 'busy', run: other }
      // the agent's session belongs to this conversation, whether or not the folder has moved on to another
      if (run.begunBy === 'agent') return runs.begin(reads.byId(run.name)?.c ?? unknown(run.name), run)
      if (prompts.isQueued(run.folder)) return { status: 'waiting' }
      requests.remember(run.folder, run.key, run.id, run.at)
      return runs.begin(place(run), run)
    },
  }
}

function unknown(name: ConversationId): never {
  throw new AppError('conversation_unknown', `There is no conversation ${name} to work in.`)
}
