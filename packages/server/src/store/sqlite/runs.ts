import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Appended } from '../../core/ports/event.ts'
import type { NewApproval } from '../../core/ports/approval.ts'
import type { Run, RunState } from '../../core/ports/run.ts'
import { attachmentsOf } from './attachments.ts'
import type { RunEnding } from '../../core/ports/account.ts'
import type { AccountWrites } from './accounts.ts'
import type { ApprovalWrites } from './approvals.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'
import type { UsageWrites, UsedRun } from './usage.ts'

export type RunReads = ReturnType<typeof readRuns>

/** Finding runs. */
export function readRuns(db: Database) {
  const columns = 'run.*, conversation.id AS conversation'
  const byId = db.prepare<RunRow>(
    `SELECT ${columns} FROM run JOIN conversation USING (c) WHERE run.id = ? AND deleted = 0`,
  )
  // run_open holds the open runs alone; left to itself, SQLite looks through all there ever were to save the sorting
  const open = `SELECT ${columns} FROM run INDEXED BY run_open JOIN conversation USING (c) WHERE state <> 'ended'`
  const openInFolder = db.prepare<RunRow>(`${open} AND run.folder = ?`)
  const allOpen = db.prepare<RunRow>(`${open} ORDER BY r`)
  return {
    run: (id: RunId) => toRun(byId.get(id)),
    openRun: (folder: Folder) => toRun(openInFolder.get(folder)),
    openRuns: (): Run[] => allOpen.all().map((row) => toRun(row)),
  }
}

/** So many events of an open run are worth sealing. */
const SEAL_EVERY = 4096

/** What happens to a run once it has begun. */
export function runOperations(
  db: Database,
  runs: RunReads,
  events: EventWrites,
  approvals: ApprovalWrites,
  accounts: AccountWrites,
  usage: UsageWrites,
) {
  const openById = db.prepare<OpenRow>(
    "SELECT c, r, folder, begun_at AS begunAt FROM run WHERE id = ? AND state <> 'ended'",
  )
  const claim = db.prepare(
    "UPDATE run SET state = 'running' WHERE id = ? AND state = 'accepted' AND interrupted IS NULL",
  )
  const interrupt = db.prepare(
    "UPDATE run SET interrupted = coalesce(interrupted, ?) WHERE id = ? AND state <> 'ended'",
  )
  const end = db.prepare("UPDATE run SET state = 'ended', last = ?, ended_at = ? WHERE id = ?")
  const markForSealing = db.prepare('INSERT OR IGNORE INTO unsealed (c) VALUES (?)')

  function append({ run, lines, at, asked = [] }: RunLines): Appended {
    const found = openById.get(run)
    if (found === undefined) return { status: 'closed' }
    const { first, last } = events.append(found.c, lines, at)
    for (const approval of asked) approvals.ask(found.c, run, approval)
    // A run of many hours is not left in small pieces until its end.
    if (Math.floor(first / SEAL_EVERY) !== Math.floor(last / SEAL_EVERY)) markForSealing.run(found.c)
    return { status: 'stored', first, last }
  }

  return {
    append,
    claimRun: (id: RunId): boolean => claim.run(id).changes === 1,
    interruptRun: ({ id, because }: { id: RunId; because: string }): Run | undefined =>
      interrupt.run(because, id).changes === 1 ? runs.run(id) : undefined,
    endRun(input: RunToEnd): Appended {
      const found = openById.get(input.run)
      if (found === undefined) return { status: 'closed' }
      const appended = events.append(found.c, input.lines, input.at)
      end.run(appended.last, input.at, input.run)
      if (input.ending) {
        accounts.note(found.c, found.r, input.ending)
        usage.add(found, input.ending, input.at)
      }
      markForSealing.run(found.c)
      return { status: 'stored', ...appended }
    },
  }
}

/** Lines for a run, already cut into pieces. */
export interface RunLines {
  readonly run: RunId
  readonly lines: readonly Piece[]
  readonly at: number
  readonly asked?: readonly NewApproval[]
}

interface OpenRow extends UsedRun {
  readonly r: number
}

interface RunToEnd extends RunLines {
  readonly ending?: RunEnding
}

interface RunRow {
  readonly id: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly state: RunState
  readonly begun_by: 'client' | 'agent'
  readonly text: string
  readonly attachments: string | null
  readonly options: string
  readonly first: number
  readonly last: number | null
  readonly interrupted: string | null
}

function toRun(row: RunRow): Run
function toRun(row: RunRow | undefined): Run | undefined
function toRun(row: RunRow | undefined): Run | undefined {
  return (
    row && {
      id: row.id,
      conversation: row.conversation,
      folder: row.folder,
      state: row.state,
      begunBy: row.begun_by,
      text: row.text,
      ...attachmentsOf(row),
      options: JSON.parse(row.options),
      first: row.first,
      last: row.last ?? undefined,
      interruptedBecause: row.interrupted ?? undefined,
    }
  )
}
