import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Attachment } from '../../core/ports/attachment.ts'
import { certain } from '../../core/certain.ts'
import { findingsOf } from './backup/check.ts'
import { reasonOf } from './failure.ts'
import { feedFindings } from './feed-integrity.ts'
import { openToLook } from './look.ts'
import type { Database } from './open.ts'

export interface Integrity {
  readonly conversations: number
  readonly events: number
  readonly attachments: number
  /** What is wrong, a sentence each. */
  readonly findings: readonly string[]
}

/** Looks at all that is kept in `dataDir`, at one moment, while a service may be at work. Changes nothing. */
export async function integrityOf(dataDir: string): Promise<Integrity> {
  const db = openToLook(dataDir)
  try {
    db.exec('BEGIN')
    const damage = findingsOf(db)
    // Where pages are broken, everything else would be guessing.
    if (damage.length > 0) return { conversations: 0, events: 0, attachments: 0, findings: damage }
    const findings = [...positions(db), ...numbering(db), ...lines(db), ...runs(db), ...sums(db), ...feedFindings(db)]
    const { conversations, events } = certain(db.prepare<Counts>(COUNTS).get(), 'a count')
    db.exec('COMMIT')
    const attachments = db.prepare<{ facts: string }>(ATTACHMENTS).all()
    const lost: string[] = []
    for (const { facts } of attachments) lost.push(...(await lookAt(db, dataDir, JSON.parse(facts))))
    return {
      conversations,
      events,
      attachments: attachments.length,
      findings: [...findings, ...lost],
    }
  } finally {
    db.close()
  }
}

interface Counts {
  readonly conversations: number
  readonly events: number
}

const COUNTS = 'SELECT count(*) AS conversations, total(head) AS events FROM conversation WHERE deleted = 0'
const ATTACHMENTS = 'SELECT facts FROM attachment WHERE unused_since IS NOT 0'

/** Every row is where its conversation looks for it, and what is young of a conversation follows what is not. */
function positions(db: Database): string[] {
  const lost = db.prepare<{ id: string; first: number }>(`
    SELECT id, chunk.first FROM chunk JOIN conversation USING (c) WHERE deleted = 0 AND NOT EXISTS (
      SELECT 1 FROM position WHERE young IN (0, 1) AND position.c = chunk.c AND position.first = chunk.first AND position.k = chunk.k)`)
  const wrong = db.prepare<{ id: string; first: number }>(`
    SELECT id, position.first FROM position JOIN conversation USING (c) LEFT JOIN chunk USING (k)
    WHERE deleted = 0 AND (
      (chunk.c, chunk.first) IS NOT (position.c, position.first)
      OR young = 0 AND position.first >= (SELECT min(first) FROM position AS other WHERE young = 1 AND other.c = position.c))`)
  return [
    ...lost.all().map(({ id, first }) => `${id}: the events from ${first} on are kept, but not found`),
    ...wrong.all().map(({ id, first }) => `${id}: the events from ${first} on are not where they should be`),
  ]
}

/** Every conversation's numbers begin with 1, leave none out and end with its head. */
function numbering(db: Database): string[] {
  const gaps = db.prepare<{ id: string; first: number; expected: number }>(`
    SELECT id, first, expected FROM (
      SELECT c, first, coalesce(lag(first + n) OVER (PARTITION BY c ORDER BY first), 1) AS expected FROM chunk
    ) JOIN conversation USING (c) WHERE deleted = 0 AND first <> expected`)
  const ends = db.prepare<{ id: string; head: number; last: number; sealed: number }>(`
    SELECT id, head, sealed, coalesce((
      SELECT max(position.first + n - 1) FROM position CROSS JOIN chunk USING (k)
      WHERE young IN (0, 1) AND position.c = conversation.c
    ), 0) AS last
    FROM conversation WHERE deleted = 0 AND (head <> last OR sealed > head)`)
  return [
    ...gaps.all().map(({ id, first, expected }) => `${id}: event ${expected} should be where ${first} is`),
    ...ends
      .all()
      .map(({ id, head, last, sealed }) =>
        head === last
          ? `${id}: sealed up to ${sealed}, but ends with ${head}`
          : `${id}: ends with ${last} instead of ${head}`,
      ),
  ]
}

/** Every row holds as many lines as it says, each of them JSON. */
function lines(db: Database): string[] {
  const bad = db.prepare<{ id: string; first: number }>(`
    SELECT id, first FROM chunk JOIN conversation USING (c)
    WHERE deleted = 0 AND (
      length(lines) - length(replace(lines, char(10), '')) <> n
      OR substr(lines, -1) <> char(10)
      OR NOT json_valid('[' || replace(substr(lines, 1, length(lines) - 1), char(10), ',') || ']')
    )`)
  return bad.all().map(({ id, first }) => `${id}: the events from ${first} on cannot be read`)
}

/** A run that has ended lies within its conversation and ends with its result; no two of them overlap. */
function runs(db: Database): string[] {
  const bad = db.prepare<{ id: string; conversation: string }>(`
    SELECT run.id, conversation.id AS conversation FROM run JOIN conversation USING (c)
    WHERE deleted = 0 AND (first > head OR (state = 'ended') <> (last IS NOT NULL) OR last < first OR last > head)`)
  const overlapping = db.prepare<{ id: string; conversation: string }>(`
    SELECT id, conversation FROM (
      SELECT run.id, conversation.id AS conversation, first, lag(last) OVER (PARTITION BY c ORDER BY first) AS before
      FROM run JOIN conversation USING (c) WHERE deleted = 0
    ) WHERE first <= before`)
  const ends = db.prepare<{ id: string; conversation: string; nth: number; lines: string }>(`
    SELECT run.id, conversation.id AS conversation, last - chunk.first AS nth, lines
    FROM run JOIN conversation USING (c)
    JOIN chunk ON k = (
      SELECT k FROM position WHERE young IN (0, 1) AND position.c = run.c AND position.first <= last
      ORDER BY position.first DESC LIMIT 1)
    WHERE deleted = 0 AND last IS NOT NULL`)
  const open: string[] = []
  for (const { id, conversation, nth, lines: text } of ends.iterate())
    if (typeOf(text.split('\n')[nth]) !== 'result') open.push(`${conversation}: run ${id} has ended without a result`)
  return [
    ...bad.all().map(({ id, conversation }) => `${conversation}: run ${id} is not where it should be`),
    ...overlapping
      .all()
      .map(({ id, conversation }) => `${conversation}: run ${id} begins before the one before it ends`),
    ...open,
  ]
}

function typeOf(line: string | undefined): unknown {
  try {
    return line === undefined ? undefined : JSON.parse(line).type
  } catch {
    return undefined // told of by `lines`
  }
}

/** What runs used adds up to what is kept for the bill. */
function sums(db: Database): string[] {
  const bad = db.prepare<{ id: string }>(`
    SELECT id FROM conversation WHERE deleted = 0
      AND coalesce((SELECT sum(input_tokens + output_tokens) FROM run_usage WHERE run_usage.c = conversation.c), 0)
       <> coalesce((SELECT sum(input_tokens + output_tokens) FROM used WHERE used.c = conversation.c), 0)`)
  return bad.all().map(({ id }) => `${id}: its runs used something else than its sums say`)
}

/** What is wrong with an attachment; nothing if it went with its conversation meanwhile. */
async function lookAt(db: Database, dataDir: string, { id, digest }: Attachment): Promise<string[]> {
  const finding = await digestOf(join(dataDir, 'attachments', id)).then(
    (found) => (found === digest ? undefined : `attachment ${id} is not what it was`),
    (error: unknown) => `attachment ${id} cannot be read: ${reasonOf(error)}`,
  )
  const isStillThere = () => db.prepare(`${ATTACHMENTS} AND id = ?`).get(id) !== undefined
  return finding !== undefined && isStillThere() ? [finding] : []
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(path)) hash.update(bytes)
  return hash.digest('base64url')
}
