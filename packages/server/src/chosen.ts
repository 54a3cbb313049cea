import { join, resolve } from 'node:path'
import type { Marks } from './agents/claude/mark.ts'
import type { Config } from './config.ts'
import { isBelow } from './core/folders.ts'
import type { Agent, AgentProcess } from './core/ports/agent.ts'
import type { AttachmentFiles } from './core/ports/attachment.ts'
import type { Metrics } from './core/ports/metrics.ts'
import type { Clock, Log } from './core/ports/outside.ts'
import type { SearchIndex } from './core/ports/search.ts'
import type { Store } from './core/ports/store.ts'
import type { Traces, TracesDeps } from './core/trace/traces.ts'

/**
 * The parts of the service of which the configuration chooses one, or none. Only what was chosen is loaded: every file is
 * time at the start.
 */

/** How long an agent that a crash left behind may take to leave. */
const ORPHAN_MS = 3000

export async function endOrphans(orphans: readonly AgentProcess[], marks: Marks | undefined): Promise<void> {
  if (orphans.length === 0 && marks === undefined) return
  const { endAll, signalAll } = await import('./agents/claude/process-tree.ts')
  await endAll(orphans, ORPHAN_MS)
  // What agents began, and whose parent is gone.
  if (marks !== undefined) await signalAll(await marks.leftOver(), 'SIGKILL')
}

export async function createMarksFor({ dataDir }: Config): Promise<Marks> {
  const { createMarks } = await import('./agents/claude/mark.ts')
  return createMarks(resolve(dataDir))
}

export async function openStore(config: Config, log: Log, metrics: Metrics): Promise<Store> {
  if (config.store === 'memory') return (await import('./store/memory/store.ts')).createMemoryStore()
  const { openSqliteStore } = await import('./store/sqlite/store.ts')
  return openSqliteStore({ dataDir: config.dataDir, log, metrics })
}

/** After the store, whose data directory they lie in. */
export async function openFiles(config: Config): Promise<AttachmentFiles> {
  if (config.store === 'memory') return (await import('./store/memory/attachment-files.ts')).createMemoryFiles()
  return (await import('./store/sqlite/attachment-files.ts')).openAttachmentFiles(config.dataDir)
}

/** After the store, which it follows. */
export async function openSearch(config: Config, store: Store, log: Log): Promise<SearchIndex | undefined> {
  if (config.store === 'memory')
    return config.search ? (await import('./store/memory/search.ts')).createMemorySearch(store) : undefined
  const { discardSqliteSearch, openSqliteSearch } = await import('./store/sqlite/search/search.ts')
  if (config.search) return openSqliteSearch({ dataDir: config.dataDir, log })
  discardSqliteSearch(config.dataDir)
  return undefined
}

interface AgentDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly trustedRoots: readonly string[]
  readonly metrics: Metrics
  /** Undefined for an agent without processes. */
  readonly marks: Marks | undefined
}

export async function createAgent(
  config: Config,
  environment: NodeJS.ProcessEnv,
  { store, clock, log, trustedRoots, marks, metrics }: AgentDeps,
): Promise<Agent> {
  if (marks === undefined) return (await import('./agents/scripted/agent.ts')).createScriptedAgent({ clock })
  const { createClaudeAgent } = await import('./agents/claude/agent.ts')
  const { agentEnvironment } = await import('./agents/claude/environment.ts')
  return createClaudeAgent({
    clock,
    log,
    processes: store,
    marks,
    platform: process.platform,
    environment: agentEnvironment(environment, config.agentEnv),
    trusts: (folder) => isBelow(folder, trustedRoots),
    directory: join(config.dataDir, 'agent'),
    showsPartials: config.partials,
    startsAtOnce: config.maxStarts,
    maxProcesses: config.maxProcesses,
    maxWarm: config.maxWarm,
    warmMs: config.warmSeconds * 1000,
    warmBytes: config.warmMegabytes * 1024 * 1024,
    settleMs: config.settleSeconds * 1000,
    metrics,
  })
}

/** Traces of runs, where the operator has named a collector. What sends them is loaded with the first. */
export async function tracing(
  environment: NodeJS.ProcessEnv,
  deps: Omit<TracesDeps, 'load'>,
  version: string,
): Promise<Traces | undefined> {
  const names = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  const isOff = environment['OTEL_SDK_DISABLED'] === 'true' || environment['OTEL_TRACES_EXPORTER'] === 'none'
  if (isOff || !names.some((name) => environment[name])) return undefined
  const { createTraces } = await import('./core/trace/traces.ts')
  const load = async () => (await import('./tracing/otel.ts')).createTracer(version, deps.log)
  return createTraces({ ...deps, load })
}
