import { readdir } from 'node:fs/promises'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Agent } from '../ports/agent.ts'
import type { Clock } from '../ports/outside.ts'
import type { Store } from '../ports/store.ts'
import { counter, type Family, gauge } from './family.ts'

export interface GaugesDeps {
  readonly store: Store
  readonly agent: Agent
  readonly clock: Clock
  /** How many event streams are open. */
  readonly subscribers: () => number
  readonly version: string
}

/**
 * What is looked up when somebody asks. The delay of the event loop is watched from here on, which wakes the process fifty
 * times a second: nobody pays for it who does not ask.
 */
export function createGauges({ store, agent, clock, subscribers, version }: GaugesDeps) {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()

  return async (): Promise<Family[]> => {
    const [load, processes, descriptors] = await Promise.all([store.load(), agent.load(), openDescriptors()])
    const { runs, questions, oldestQuestionAt: oldest } = load
    const delays = [
      { labels: { quantile: '0.5' }, value: delay.percentile(50) / 1e9 },
      { labels: { quantile: '0.99' }, value: delay.percentile(99) / 1e9 },
      { labels: { quantile: '1' }, value: delay.max / 1e9 },
    ]
    delay.reset()
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    return [
      gauge('claude_proxy_info', 'Always 1; says which version it is.', [{ labels: { version }, value: 1 }]),
      gauge('claude_proxy_runs_active', 'Runs that are open; accepted: no agent has them yet.', [
        { labels: { state: 'accepted' }, value: runs.accepted },
        { labels: { state: 'running' }, value: runs.running },
      ]),
      gauge('claude_proxy_prompts_queued', 'Prompts that wait for their folder.', load.queued),
      gauge('claude_proxy_approvals_pending', 'Questions that wait for a person.', questions),
      gauge(
        'claude_proxy_approvals_oldest_seconds',
        'How long the first of them has waited; 0 when there is none.',
        oldest === undefined ? 0 : Math.max(0, clock.now() - oldest) / 1000,
      ),
      gauge('claude_proxy_subscribers', 'Event streams that are open.', subscribers()),
      gauge('claude_proxy_agent_processes', 'Living agent processes; resting: warm, without a run.', [
        { labels: { state: 'working' }, value: processes.working },
        { labels: { state: 'resting' }, value: processes.resting },
      ]),
      gauge('claude_proxy_agent_memory_bytes', 'Memory that they hold, without what they began.', processes.bytes),
      gauge(
        'claude_proxy_event_loop_delay_seconds',
        'How late the event loop was, since it was asked for last.',
        // Before the first look it has seen nothing.
        delays.filter(({ value }) => Number.isFinite(value)),
      ),
      counter('process_cpu_seconds_total', 'Time on the processors.', [{ value: (user + system) / 1e6 }]),
      gauge('process_resident_memory_bytes', 'Memory of the service itself.', rss),
      gauge('process_start_time_seconds', 'When it started, in seconds since 1970.', performance.timeOrigin / 1000),
      gauge('process_open_fds', 'Open file descriptors.', descriptors),
      gauge('nodejs_heap_size_used_bytes', 'What of it is JavaScript.', heapUsed),
    ]
  }
}

/** Where the system says (Linux). */
function openDescriptors(): Promise<number | undefined> {
  return readdir('/proc/self/fd').then(
    ({ length }) => length,
    () => undefined,
  )
}
