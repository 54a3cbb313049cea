import { expect } from 'vitest'
import type { FeedPlace } from '@claude-proxy/protocol/feed'
import { ConversationId } from '@claude-proxy/protocol/conversation-id'
import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import type { FeedBatch } from '../../src/core/ports/feed.ts'
import type { NewPrompt, Prompt } from '../../src/core/ports/prompt.ts'
import type { NewRun, Run } from '../../src/core/ports/run.ts'
import type { Page } from '../../src/core/ports/event.ts'
import type { Store } from '../../src/core/ports/store.ts'

let count = 0

/** Ids that no other test uses. */
export function fresh(): { id: ConversationId; folder: Folder; run: RunId } {
  count++
  return {
    id: ConversationId.parse(`conversation-${count}`),
    folder: `/folder/${count}` as Folder,
    run: count.toString(16).padStart(32, '0') as RunId,
  }
}

/** A run to begin, with what a test does not care about filled in. */
export function newRun(of: Partial<NewRun> & Pick<NewRun, 'name' | 'folder'>): NewRun {
  return { id: fresh().run, cwd: of.folder, begunBy: 'client', text: 'hi', options: {}, line: '{"n":1}', at: 1, ...of }
}

/** A prompt to keep, with what a test does not care about filled in. */
export function newPrompt(of: Partial<NewPrompt> & Pick<NewPrompt, 'name' | 'folder'>): NewPrompt {
  return { id: fresh().run, cwd: of.folder, text: 'hi', options: {}, line: '{"queued":1}', at: 1, ...of }
}

/** Keeps a prompt. */
export async function added(store: Store, prompt: NewPrompt): Promise<Prompt> {
  const outcome = await store.addPrompt(prompt)
  if (outcome.status !== 'added') throw new Error(`a prompt that should be added is ${outcome.status}`)
  return outcome.prompt
}

/** A new conversation in a new folder, with a run in it. */
export async function started(store: Store): Promise<{ id: ConversationId; folder: Folder; run: Run }> {
  const { id, folder } = fresh()
  const begun = await store.beginRun(newRun({ name: id, folder }))
  if (begun.status !== 'begun') throw new Error(`a run in a new folder is ${begun.status}`)
  return { id, folder, run: begun.run }
}

/** Begins a run and ends it. */
export async function endOf(store: Store, run: NewRun): Promise<void> {
  expect(await store.beginRun(run)).toMatchObject({ status: 'begun' })
  await store.endRun(run.id, ['{}'], run.at)
}

/** All events of a conversation, page by page. */
export async function allLines(store: Store, id: ConversationId, atMostBytes = 100_000): Promise<string[]> {
  const lines: string[] = []
  for (;;) {
    const page = await store.page(id, lines.length, atMostBytes)
    if (page.count === 0) return lines
    lines.push(...linesOf(page))
  }
}

/** The lines of a page; as many as it says. */
export function linesOf(page: Page): string[] {
  if (page.count === 0) return []
  const all = text(page)
  expect(all.endsWith('\n')).toBe(true)
  const lines = all.slice(0, -1).split('\n')
  expect(lines).toHaveLength(page.count)
  return lines
}

/** The bytes of a page as text. */
export function text(page: Page): string {
  return Buffer.from(page.lines).toString()
}

/** An event of the feed. */
export interface Told {
  readonly conversation: ConversationId
  readonly number: number
  readonly line: string
  /** The place behind it. */
  readonly place: FeedPlace
}

/** The feed from a place on, page by page, up to where it ends now. */
export async function feedAfter(
  store: Store,
  after: FeedPlace | undefined,
  only?: readonly ConversationId[],
  atMostBytes = 100_000,
): Promise<{ events: Told[]; end: FeedPlace }> {
  const events: Told[] = []
  for (let place = after; ;) {
    const page = await store.feed(place, only, atMostBytes)
    events.push(...page.batches.flatMap((batch) => told(batch)))
    if (page.isLevel) return { events, end: page.next }
    expect(page.next).not.toEqual(place)
    place = page.next
  }
}

/** The events of a batch, each with the place behind it. */
export function told(batch: FeedBatch): Told[] {
  return linesOf(batch).map((line, n) => ({
    conversation: batch.conversation,
    number: batch.first + n,
    line,
    place: { ...batch.at, events: batch.at.events + n + 1 },
  }))
}
