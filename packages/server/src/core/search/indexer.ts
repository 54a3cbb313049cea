import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Bell, Clock, Log } from '../ports/outside.ts'
import type { SearchIndex } from '../ports/search.ts'
import type { Store } from '../ports/store.ts'

export interface IndexerDeps {
  readonly store: Pick<Store, 'conversations'>
  readonly index: SearchIndex
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Log
  /** How long what is new may lie around: while much happens, it is taken in together, once in this time. */
  readonly pauseMs: number
  /** When to try again what has failed. */
  readonly retryMs: number
}

export type Indexer = ReturnType<typeof createIndexer>

/** What one step takes in: the index is busy with it, and whoever searches meanwhile waits. */
const STEP = { bytes: 512 * 1024, conversations: 64 }
/** How long it rests after a step while others store, in times of the step: it takes a third of a core, not a whole one. */
const REST = 2
/** Conversations that are compared at once. */
const LIST = 500

/**
 * Keeps the index level with the store. A reader like any other: the bell wakes it, and the index, which knows how far it has
 * come, pulls what comes after. At its start it compares everything once, so that nothing depends on what it was told.
 */
export function createIndexer({ store, index, bell, clock, log, pauseMs, retryMs }: IndexerDeps) {
  /** What has grown or gone since the pass that is under way began. */
  let fresh = new Set<ConversationId>()
  /** What that pass has still to do; what the comparison found comes after it. */
  let todo = new Set<ConversationId>()
  const backlog = new Set<ConversationId>()
  let isCompared = false
  const waiting = new Set<Waiting>()
  let pass: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  /** Ends a rest. */
  let wake: () => void = () => {}
  const closing = new AbortController()
  const { signal } = closing
  const listener = bell.listenAll(note)

  return {
    /** Begins with the comparison. */
    start: begin,
    /** To be called when a conversation was deleted, of which the bell does not tell. */
    note,
    /** Resolves when all is indexed that was stored when it was called, but after `atMostMs` at the latest; says which. */
    async level(atMostMs: number): Promise<boolean> {
      const { promise, resolve } = Promise.withResolvers<void>()
      const wait: Waiting = {
        isBehind: !isCompared || backlog.size > 0,
        for: new Set([...fresh, ...todo]),
        resolve,
      }
      if (isOver(wait)) return true
      waiting.add(wait)
      wake()
      const latest = setTimeout(() => resolve(), atMostMs)
      begin()
      await promise
      clearTimeout(latest)
      waiting.delete(wait)
      return isOver(wait)
    },
    async close(): Promise<void> {
      closing.abort()
      wake()
      listener[Symbol.dispose]()
      clearTimeout(timer)
      for (const wait of waiting) wait.resolve()
      await pass
    },
  }

  function note(conversation: ConversationId): void {
    fresh.add(conversation)
    if (pass === undefined) later(pauseMs)
  }

  function later(ms: number): void {
    if (!signal.aborted) timer ??= setTimeout(begin, ms).unref()
  }

  /** Begins a pass, if none is under way. */
  function begin(): void {
    if (signal.aborted || pass !== undefined) return
    clearTimeout(timer)
    timer = undefined
    pass = work().then(
      () => {
        pass = undefined
        if (fresh.size === 0) return
        if (waiting.size > 0) begin()
        else later(pauseMs)
      },
      (error: unknown) => {
        pass = undefined
        // What it knows may be gone: compare anew.
        isCompared = false
        if (!signal.aborted) log.warn('The search index could not be kept up; it is tried again.', { error })
        later(retryMs)
      },
    )
  }

  async function work(): Promise<void> {
    if (!isCompared) await compare()
    isCompared = true
    takeFresh()
    tell([])
    for (let taken = clock.now(); !signal.aborted && todo.size + backlog.size > 0;) {
      const begun = clock.now()
      await step()
      if (waiting.size === 0 && fresh.size > 0) await rest(REST * (clock.now() - begun))
      // A long backlog keeps nothing that is new waiting.
      if (waiting.size === 0 && clock.now() - taken < pauseMs) continue
      taken = clock.now()
      takeFresh()
    }
    while (!signal.aborted && fresh.size === 0 && (await index.tidy()));
  }

  /** While others store, and until somebody searches: it is they who are waited for. */
  async function rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    const over = setTimeout(resolve, ms)
    await promise
    clearTimeout(over)
  }

  function takeFresh(): void {
    todo = todo.union(fresh)
    fresh = new Set()
  }

  /** Notes in `backlog` what is not as it should be, the newest first. */
  async function compare(): Promise<void> {
    const known = await index.positions()
    const gone = new Set(known.keys())
    todo.clear()
    backlog.clear()
    let before
    for (let isLast = false; !isLast && !signal.aborted;) {
      const page = await store.conversations({ before, limit: LIST })
      for (const { id, head } of page) {
        gone.delete(id)
        if ((known.get(id) ?? 0) !== head) backlog.add(id)
      }
      before = page.at(-1)
      isLast = page.length < LIST
    }
    // One that has moved to the front meanwhile may be among these: it is looked at once more.
    for (const id of gone) backlog.add(id)
  }

  async function step(): Promise<void> {
    const looked = await index.catchUp([...next()], STEP.bytes)
    const done = looked.filter(({ isLevel }) => isLevel).map(({ conversation }) => conversation)
    for (const id of done) {
      todo.delete(id)
      backlog.delete(id)
    }
    tell(done)
  }

  function* next(): Generator<ConversationId> {
    let n = 0
    for (const set of [todo, backlog])
      for (const id of set) {
        if (n++ === STEP.conversations) return
        yield id
      }
  }

  function tell(done: readonly ConversationId[]): void {
    for (const wait of waiting) {
      // One that has grown again is waited for once more: by then it may be what was waited for.
      for (const id of done) if (!fresh.has(id)) wait.for.delete(id)
      wait.isBehind &&= backlog.size > 0
      if (isOver(wait)) wait.resolve()
    }
  }
}

interface Waiting {
  /** Whether the comparison, or what it found, is still to be done. */
  isBehind: boolean
  /** What is not indexed yet of what was to be. */
  readonly for: Set<ConversationId>
  resolve(): void
}

function isOver({ isBehind, for: those }: Waiting): boolean {
  return !isBehind && those.size === 0
}
