import type { Database } from './open.ts'
import { unpackCommits } from './order.ts'
import { readPlaces } from './places.ts'
import { SPAN } from './seal.ts'

interface Row {
  readonly k: number
  readonly id: string
  readonly deleted: number
  readonly first: number
  readonly n: number
  readonly last: number | null
  readonly commits: Uint8Array | null
}

/**
 * Whether the feed has all that is kept, in the order of the commits, and each event once: every chunk says which commits it
 * is made of, no two are made of the same, and those of a conversation follow one another as its numbers do. One walk
 * over the chunks, without their lines; it remembers a stretch of commits, and a number for each conversation.
 */
export function feedFindings(db: Database): string[] {
  const rows = db.prepare<Row>(`
    SELECT k, id, deleted, first, n, last, commits
    FROM chunk JOIN conversation USING (c) LEFT JOIN chunk_order USING (k) ORDER BY k`)
  const lives = db.prepare<{ name: string; first: number }>('SELECT name, first FROM life WHERE first > ?')
  const end = readPlaces(db).end()
  const findings: string[] = []
  const taken = new Set<number>()
  const reached = new Map<string, { commit: number; first: number }>()

  for (const { k, id, deleted, first, n, last, commits } of rows.iterate()) {
    const where = `${id}: the events from ${first} on`
    const { ks, counts } = commits === null ? { ks: [k], counts: [n] } : unpackCommits(k, commits)
    const newest = ks.at(-1) ?? k
    const isWhole =
      counts.reduce((sum, count) => sum + count, 0) === n &&
      counts.every((count) => count > 0) &&
      ks.every((each, at) => at === 0 || each > (ks[at - 1] ?? 0)) &&
      (last ?? k) === newest
    if (!isWhole) findings.push(`${where} are not made of the commits that the feed has for them`)
    if (newest - k >= SPAN) findings.push(`${where} are spread too far for the feed to find them`)
    if (newest > end) findings.push(`${where} lie behind the end of the feed`)
    if (ks.some((each) => taken.has(each))) findings.push(`${where} have a commit that others have, too`)

    const before = reached.get(id)
    if (deleted === 0 && before && (first < before.first || k <= before.commit))
      findings.push(`${where} come in the feed before those that they follow`)
    if (deleted === 0) reached.set(id, { commit: newest, first })
    for (const each of ks) taken.add(each)
    // A chunk begins with its oldest commit: nothing that comes now has one from before.
    if (taken.size > MOST_TAKEN) for (const each of taken) if (each < k) taken.delete(each)
  }
  for (const { name, first } of lives.all(end))
    findings.push(`the feed knows of a writer (${name}) from ${first} on, and ends with ${end}`)
  return findings
}

const MOST_TAKEN = 16 * SPAN
