import { setTimeout as sleep } from 'node:timers/promises'
import { errorResult, interruptedResult } from '@claude-proxy/protocol/events'
import { toLine } from '@claude-proxy/protocol/json'
import type { EventLog } from '../log/log.ts'
import type { AgentProcess } from '../ports/agent.ts'
import type { Clock, Log } from '../ports/outside.ts'
import type { Run } from '../ports/run.ts'
import type { Store } from '../ports/store.ts'
import { endingOf } from './account.ts'
import type { Host } from './host.ts'
import type { Queue } from './queue.ts'
import { timestamp } from '../timestamp.ts'

export interface RecoverDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly log: Log
  readonly host: Host
  readonly queue: Queue
  /** The runs that were open before this process began any: what comes later is alive. */
  readonly left: readonly Run[]
  /** The agents that were written down before. */
  readonly orphans: readonly AgentProcess[]
  /** Ends the processes that are still the same ones, and all that they and others before them began. */
  readonly endProcesses: (processes: readonly AgentProcess[]) => Promise<void>
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal
}

/** What cannot be put in order now, because the disk is full, say, is tried again: until then its folder is busy. */
const RETRY_MS = 1000

/**
 * Puts in order what a crash left behind: ends agents that outlived the service, closes runs that were cut off with
 * a terminal event, and starts those whose prompt no agent ever had, then the prompts that wait.
 */
export async function recover(deps: RecoverDeps): Promise<void> {
  const { store, events, clock, log, host, queue, left, orphans, endProcesses, stopping } = deps
  // First of all: an orphan that is still working must not meet the next run in its folder.
  if (orphans.length > 0)
    log.warn('ending agents that the service has left behind', { pids: orphans.map(({ pid }) => pid) })
  await untilDone(() => endProcesses(orphans))
  for (const orphan of orphans) await untilDone(() => store.removeProcess(orphan))
  for (const run of left) await untilDone(() => settle(run))
  await untilDone(() => queue.recover())

  async function settle(run: Run): Promise<void> {
    const conversation = await store.conversation(run.conversation)
    const because = host.interruptedBecause(run.id) ?? run.interruptedBecause
    if (because !== undefined) await closeInterrupted(run, because)
    else if (run.state === 'accepted' && conversation) host.launch(run, conversation)
    else await closeCutOff(run)
  }

  /** Somebody was told that it will end so. */
  async function closeInterrupted(run: Run, because: string): Promise<void> {
    const result = interruptedResult(because, timestamp(clock.now()))
    await events.end(run, [toLine(result)], endingOf(result))
    log.info('closed a run that had been interrupted', { run: run.id, conversation: run.conversation })
  }

  async function untilDone(step: () => Promise<void>): Promise<void> {
    while (!stopping.aborted) {
      try {
        return await step()
      } catch (error) {
        log.error('what a crash left behind could not be put in order yet', { error })
      }
      // The next start goes on with it.
      await sleep(RETRY_MS, undefined, { signal: stopping }).catch(() => {})
    }
  }

  async function closeCutOff(run: Run): Promise<void> {
    const openCalls = await findOpenToolCalls(store, run)
    const names = openCalls.map(({ name }) => name).join(', ')
    const sentence = `The service stopped while this run was working.${names && ` Cut off in the middle of: ${names}.`}`
    const more = { open_tool_calls: openCalls }
    // What it asked waits on; answers that the agent may not have had are told to it again.
    await store.carryApprovals(
      run.id,
      openCalls.map(({ id }) => id),
    )
    const result = errorResult('service_stopped', sentence, timestamp(clock.now()), more)
    await events.end(run, [toLine(result)], endingOf(result))
    log.warn('closed a run that was cut off', { run: run.id, conversation: run.conversation, openCalls })
  }
}

interface ToolCall {
  readonly id: string
  readonly name: string
}

const PAGE_BYTES = 256 * 1024

/** The tool calls of a run that have no result: nobody knows how far they came. */
async function findOpenToolCalls(store: Store, run: Run): Promise<ToolCall[]> {
  const open = new Map<string, ToolCall>()
  for (let after = run.first - 1; ;) {
    const page = await store.page(run.conversation, after, PAGE_BYTES)
    if (page.count === 0) return [...open.values()]
    after = page.first + page.count - 1
    for (const line of Buffer.from(page.lines).toString('latin1').split('\n')) {
      // Most lines are text; parsing is for the others.
      if (line.includes('"tool_use"') || line.includes('"tool_result"')) noteCalls(line, open)
    }
  }
}

function noteCalls(line: string, open: Map<string, ToolCall>): void {
  const event: { message?: { content?: unknown } } = JSON.parse(line)
  const content: { type?: string; id?: string; name?: string; tool_use_id?: string }[] = Array.isArray(
    event.message?.content,
  )
    ? event.message.content
    : []
  for (const block of content) {
    if (block.type === 'tool_use' && block.id) open.set(block.id, { id: block.id, name: block.name ?? '' })
    if (block.type === 'tool_result' && block.tool_use_id) open.delete(block.tool_use_id)
  }
}
