import { errorResult, queueEvent } from '@claude-proxy/protocol/events'
import { toLine } from '@claude-proxy/protocol/json'
import type { Clock } from '../ports/outside.ts'
import type { Store } from '../ports/store.ts'
import { endingOf } from './account.ts'
import { timestamp } from '../timestamp.ts'

/**
 * Has nothing go on by itself of what a backup holds: where it was made, it went on. Runs that no agent had yet are
 * closed, prompts that waited are taken back; both say why.
 */
export async function settleRestored(store: Store, clock: Clock): Promise<void> {
  const at = timestamp(clock.now())
  for (const folder of await store.queuedFolders())
    for (const { id } of await store.queuedPrompts(folder)) await drop(id)
  for (const { id } of await store.steeringPrompts()) await drop(id)
  for (const run of await store.openRuns()) {
    // An agent had it: the next start closes it as one that was cut off, and keeps what it asked.
    if (run.state !== 'accepted') continue
    const result = errorResult('service_stopped', WHY_CLOSED, at)
    await store.endRun(run.id, [toLine(result)], clock.now(), endingOf(result))
  }

  async function drop(id: Parameters<Store['prompt']>[0]): Promise<void> {
    const line = toLine(queueEvent('prompt_cancelled', id, at, { content: WHY_DROPPED }))
    await store.changePrompt({ id, input: 'drop', line, at: clock.now() })
  }
}

const WHY_CLOSED = 'This was restored from a backup that was made when this run had not begun.'
const WHY_DROPPED =
  'This was restored from a backup that was made while this prompt waited. Send it again if it is still wanted.'
