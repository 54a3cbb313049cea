import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Added, Changed, NewPrompt, Prompt, PromptBegun, PromptChange } from '../../core/ports/prompt.ts'
import { MOST_QUEUED, PROMPT_TABLE, type PromptInput, type PromptState } from '../../core/runs/prompt-machine.ts'
import { phaseOf } from '../../core/runs/run-machine.ts'
import { certain } from '../../core/certain.ts'
import { attachmentsOf, type AttachmentWrites } from './attachments.ts'
import type { Placing, RunWrites } from './begin.ts'
import { toConversation, type ConversationReads } from './conversations.ts'
import type { EventWrites } from './events.ts'
import type { Database } from './open.ts'
import type { Piece } from './pieces.ts'
import type { RequestReads, RequestWrites } from './requests.ts'
import type { RunReads } from './runs.ts'

export type PromptReads = ReturnType<typeof readPrompts>

/** Finding prompts that came while their folder was busy. */
export function readPrompts(db: Database) {
  const columns = 'prompt.*, conversation.id AS conversation'
  const byId = db.prepare<PromptRow>(
    `SELECT ${columns} FROM prompt JOIN conversation USING (c) WHERE prompt.id = ? AND deleted = 0`,
  )
  const queued = db.prepare<PromptRow>(
    `SELECT ${columns} FROM prompt INDEXED BY prompt_queued JOIN conversation USING (c)
     WHERE state = 'queued' AND prompt.folder = ? ORDER BY position`,
  )
  const anyQueued = db.prepare("SELECT 1 FROM prompt WHERE state = 'queued' AND folder = ? LIMIT 1")
  const folders = db.prepare<{ folder: Folder }>(
    "SELECT DISTINCT folder FROM prompt INDEXED BY prompt_queued WHERE state = 'queued'",
  )
  const steering = `SELECT ${columns} FROM prompt INDEXED BY prompt_steering JOIN conversation USING (c)
    WHERE state = 'steering'`
  const steeringInto = db.prepare<PromptRow>(`${steering} AND prompt.run = ? ORDER BY p`)
  const allSteering = db.prepare<PromptRow>(`${steering} ORDER BY p`)
  return {
    promptRow: (id: RunId) => byId.get(id),
    prompt(id: RunId): Prompt | undefined {
      const row = byId.get(id)
      return row && toPrompt(row)
    },
    queuedRows: (folder: Folder): PromptRow[] => queued.all(folder),
    queuedPrompts: (folder: Folder): Prompt[] => queued.all(folder).map(toPrompt),
    isQueued: (folder: Folder): boolean => anyQueued.get(folder) !== undefined,
    queuedFolders: (): Folder[] => folders.all().map(({ folder }) => folder),
    steeringPrompts: (run?: RunId): Prompt[] =>
      (run === undefined ? allSteering.all() : steeringInto.all(run)).map(toPrompt),
  }
}

/** A prompt to keep, as it travels to the writer. */
export interface PromptToAdd extends Omit<NewPrompt, 'line' | 'options'> {
  readonly lines: readonly Piece[]
  readonly options: string
}

/** A change of a prompt, as it travels to the writer. */
export type PromptToChange = PromptChange & { readonly lines: readonly Piece[] }

export function promptOperations(
  db: Database,
  reads: ConversationReads,
  place: Placing,
  runs: RunReads & RunWrites,
  prompts: PromptReads,
  requests: RequestReads & RequestWrites,
  events: EventWrites,
  attachments: AttachmentWrites,
) {
  const insert = db.prepare(
    `INSERT INTO prompt (id, c, folder, state, position, text, attachments, options, first, run, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const ends = db.prepare<{ least: number; most: number; count: number }>(
    `SELECT coalesce(min(position), 1) AS least, coalesce(max(position), 0) AS most, count(*) AS count
     FROM prompt WHERE state = 'queued' AND folder = ?`,
  )
  const setState = db.prepare('UPDATE prompt SET state = ?, last = ? WHERE p = ?')
  const setText = db.prepare('UPDATE prompt SET text = ? WHERE p = ?')
  const setPosition = db.prepare('UPDATE prompt SET position = ? WHERE p = ?')
  const setInto = db.prepare('UPDATE prompt SET run = ? WHERE p = ?')

  function endsOf(folder: Folder): { least: number; most: number; count: number } {
    return certain(ends.get(folder), 'an answer')
  }

  /** Whether an agent works on the run, in this conversation, and goes on. */
  function canSteer(run: RunId, conversation: ConversationId | undefined): boolean {
    const found = runs.run(run)
    return found !== undefined && found.conversation === conversation && phaseOf(found) === 'running'
  }

  /** The conversation's prompts take turns in the places that they have; other conversations keep theirs. */
  function move(row: PromptRow, to: number): void {
    const mine = prompts.queuedRows(row.folder).filter(({ c }) => c === row.c)
    const order = mine.filter(({ p }) => p !== row.p)
    order.splice(to - 1, 0, row)
    for (const [n, { position }] of mine.entries()) {
      setPosition.run(position, certain(order[n], 'a prompt of the queue').p)
    }
  }

  function apply(row: PromptRow, change: PromptToChange): void {
    if (change.input === 'edit') {
      if (change.text !== undefined) setText.run(change.text, row.p)
      if (change.place !== undefined) move(row, change.place)
    }
    if (change.input === 'steer') setInto.run(change.into, row.p)
    if (change.input === 'missed') setPosition.run(endsOf(row.folder).least - 1, row.p)
  }

  return {
    addPrompt(input: PromptToAdd): Added {
      const folder = reads.folderOf(input.name)
      if (folder !== undefined && folder !== input.folder) return { status: 'elsewhere', folder }
      const known = requests.requestOf(input.folder, input.key)
      if (known !== undefined) return known
      const { least, most, count } = endsOf(input.folder)
      if (count >= MOST_QUEUED) return { status: 'full' }
      if (input.into !== undefined && !canSteer(input.into, named(input))) return { status: 'closed' }
      requests.remember(input.folder, input.key, input.id, input.at)
      const c = place(input)
      const { first } = events.append(c, input.lines, input.at)
      const state: PromptState = input.into === undefined ? 'queued' : 'steering'
      const position = input.isFirst ? least - 1 : most + 1
      const { id, text, options, into = null, at } = input
      const attached = attachments.refer(c, input.attachments)
      insert.run(id, c, input.folder, state, position, text, attached, options, first, into, at)
      const prompt = certain(prompts.prompt(id), 'a prompt that was just stored')
      const conversation = certain(reads.byId(prompt.conversation), 'the conversation of a prompt')
      return { status: 'added', prompt, conversation: toConversation(conversation) }
    },

    changePrompt(change: PromptToChange): Changed {
      const row = prompts.promptRow(change.id)
      if (row === undefined) return { status: 'unknown' }
      const next = PROMPT_TABLE[row.state][change.input satisfies PromptInput]
      if (next === 'refused' || (change.input === 'steer' && !canSteer(change.into, row.conversation)))
        return { status: 'refused', prompt: toPrompt(row) }
      const { last } = events.append(row.c, change.lines, change.at)
      apply(row, change)
      setState.run(next, next === 'cancelled' ? last : null, row.p)
      const prompt = certain(prompts.prompt(change.id), 'a prompt that was just changed')
      return { status: 'changed', prompt, number: last }
    },

    beginPrompt(begin: PromptToBegin): PromptBegun {
      const row = prompts.promptRow(begin.id)
      if (row === undefined || PROMPT_TABLE[row.state].begin === 'refused' || row.text !== begin.text)
        return { status: 'changed' }
      const other = runs.openRun(row.folder)
      if (other !== undefined) return { status: 'busy', run: other }
      setState.run(PROMPT_TABLE[row.state].begin, null, row.p)
      return runs.begin(row.c, {
        ...toPrompt(row),
        options: row.options,
        begunBy: 'client',
        lines: begin.lines,
        at: begin.at,
      })
    },
  }

  /** The conversation that the name stands for. */
  function named({ name, folder }: PromptToAdd): ConversationId | undefined {
    return (reads.canonical(folder) ?? reads.byId(name))?.id
  }
}

/** A prompt to make a run of, as it travels to the writer. */
export interface PromptToBegin {
  readonly id: RunId
  readonly text: string
  readonly lines: readonly Piece[]
  readonly at: number
}

interface PromptRow {
  /** The keys inside the database; they never leave the store. */
  readonly p: number
  readonly c: number
  readonly id: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly state: PromptState
  readonly position: number
  readonly text: string
  readonly attachments: string | null
  readonly options: string
  readonly first: number
  readonly last: number | null
  readonly run: RunId | null
  readonly at: number
}

function toPrompt(row: PromptRow): Prompt {
  return {
    id: row.id,
    conversation: row.conversation,
    folder: row.folder,
    state: row.state,
    text: row.text,
    ...attachmentsOf(row),
    options: JSON.parse(row.options),
    first: row.first,
    last: row.last ?? undefined,
    into: row.run ?? undefined,
    at: row.at,
  }
}
