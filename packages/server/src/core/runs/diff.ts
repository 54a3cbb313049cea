import { setImmediate as nextTick } from 'node:timers/promises'
import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import { createRunDiff, type RunDiff } from '@claude-proxy/protocol/run-diff'
import { linesOf, storedPages } from '../log/pages.ts'
import type { Store } from '../ports/store.ts'

/** What a run of this conversation has done to files so far. */
export async function diffOfRun(
  store: Store,
  conversation: ConversationId,
  id: RunId,
  signal: AbortSignal,
): Promise<RunDiff> {
  const [run, owner] = await Promise.all([store.run(id), store.conversation(conversation)])
  if (!run || !owner || run.conversation !== conversation)
    throw new AppError('run_unknown', `The conversation ${conversation} has no run ${id}.`, { run_id: id })
  const diff = createRunDiff()
  let seq = run.first - 1
  for await (const page of storedPages(store, conversation, seq, run.last ?? owner.head)) {
    signal.throwIfAborted()
    for (const line of linesOf(page.lines)) diff.take(++seq, JSON.parse(line))
    // A long run must not hold everybody else.
    await nextTick()
  }
  return diff.result()
}
