import { beginsContinued, type Ledger } from './seen.ts'
import { isResult, promptOf, type Spoken } from './phone.ts'
import type { Stored, StoredRun } from './stored.ts'

/** What somebody has to find in the store, and what may not be there. */
export interface Expected {
  readonly ledger: Ledger
  readonly spoken: readonly Spoken[]
  /** Conversations that were imported, as their lines have to be; their runs are in nobody's table. */
  readonly imported: ReadonlyMap<string, readonly string[]>
}

/** What has to hold at any moment, also right after a crash. */
export function checkKept(stored: readonly Stored[], { ledger, imported }: Omit<Expected, 'spoken'>): void {
  const found = new Map(stored.map((conversation) => [conversation.id, conversation]))
  for (const id of ledger.conversations()) ledger.compare(id, found.get(id)?.lines ?? [])
  for (const [id, lines] of imported) {
    const have = found.get(id)?.lines ?? []
    const wrong = lines.findIndex((line, n) => have[n] !== line)
    if (wrong >= 0) throw new Error(`${id}: line ${wrong + 1} is not as it was imported`)
  }
  for (const { id, lines, runs } of stored) checkRuns(id, lines, runs, imported.get(id)?.length)
}

/** What has to hold as well once the service had the time to put everything in order. */
export function checkAtRest(stored: readonly Stored[], expected: Expected): void {
  checkKept(stored, expected)
  const [id, run] = openRun(stored) ?? []
  if (run) throw new Error(`${id}: the run of "${run.text}" is ${run.state} and holds its folder`)
  checkPrompts(stored, expected.spoken)
}

/** A run that holds its folder, if there is one. */
export function openRun(stored: readonly Stored[]): [id: string, run: StoredRun] | undefined {
  for (const { id, runs } of stored) for (const run of runs) if (run.state !== 'ended') return [id, run]
  return undefined
}

/**
 * The runs of a conversation lie end to end; between them is only the settlement of what a run that was cut off has
 * asked. Each begins with its prompt, or says why it began without one; one that has ended has its only result at its
 * end. What was imported comes before them.
 */
function checkRuns(id: string, lines: readonly string[], runs: readonly StoredRun[], importedCount?: number): void {
  // An import that nobody expects yet has no runs.
  if (runs.length === 0) return
  let next = (importedCount ?? 0) + 1
  const passSettlements = () => {
    while (lines[next - 1]?.startsWith('{"type":"tool_permission_settled"')) next++
  }
  for (const { state, begun_by: begunBy, text, first, last } of runs) {
    const wrong = (what: string) => new Error(`${id}: the run of "${text}" (${first} to ${last}, ${state}) ${what}`)
    passSettlements()
    if (first !== next) throw wrong(`does not begin at ${next}`)
    const begin = lines[first - 1] ?? '{}'
    if (begunBy === 'client' && promptOf(begin) !== text) throw wrong('does not begin with its prompt')
    if (begunBy === 'agent' && !beginsContinued(begin)) throw wrong('does not say why it began')
    if ((state === 'ended') !== (last !== null)) throw wrong('has an end without being over, or none')
    next = (last ?? lines.length) + 1
    const results = lines.slice(first - 1, next - 1).filter(isResult).length
    if (results !== (last === null ? 0 : 1)) throw wrong(`has ${results} results`)
    if (last !== null && !isResult(lines[last - 1] ?? '')) throw wrong('does not end with its result')
  }
  passSettlements()
  if (next !== lines.length + 1) throw new Error(`${id}: events from ${next} on belong to no run`)
}

/**
 * An accepted prompt is there exactly once, with one run. What the service promises today about a prompt that is
 * repeated: it joins the run that is going on. So it is there at most once
 *
 * - when the phone looked, in a later life, before it repeated it;
 * - in one life, when its run goes on as long as the service lives;
 *
 * otherwise as often as it was sent without being refused: the run of the first may have ended before the second came.
 */
function checkPrompts(stored: readonly Stored[], spoken: readonly Spoken[]): void {
  const counts = new Map<string, number>()
  for (const { id, runs } of stored)
    for (const { text, begun_by: begunBy } of runs)
      if (begunBy === 'client') counts.set(`${id} ${text}`, (counts.get(`${id} ${text}`) ?? 0) + 1)
  for (const { conversation, text, hangs, isCareful, attempts, lives, isAccepted } of spoken) {
    const key = `${conversation} ${text}`
    const count = counts.get(key) ?? 0
    const most = Math.min(attempts, isCareful ? 1 : attempts, hangs ? lives.size : attempts)
    if (count < (isAccepted ? 1 : 0)) throw new Error(`${conversation}: "${text}" was accepted and is not there`)
    if (count > most)
      throw new Error(`${conversation}: "${text}" is there ${count} times; it was sent ${attempts} times`)
    counts.delete(key)
  }
  for (const [key, count] of counts) throw new Error(`nobody has said what is there ${count} times: ${key}`)
}

/** An import takes in a conversation whole or not at all; `reported`: those that it said are in. */
export function checkWhole(
  stored: readonly Stored[],
  wanted: ReadonlyMap<string, readonly string[]>,
  reported: Iterable<string>,
): void {
  const found = new Map(stored.map(({ id, lines }) => [id, lines.length]))
  const said = new Set(reported)
  for (const [id, lines] of wanted) {
    const have = found.get(id)
    if (have === undefined ? said.has(id) : have !== lines.length)
      throw new Error(`${id}: ${have ?? 'none'} of ${lines.length} events are imported`)
  }
}
