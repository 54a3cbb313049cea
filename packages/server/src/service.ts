import { realpath } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import type { Marks } from './agents/claude/mark.ts'
import { type Config, ConfigError } from './config.ts'
import { createApprovals } from './core/approvals/approvals.ts'
import { createContinuation } from './core/runs/continuation.ts'
import { createConversations } from './core/conversations.ts'
import { isBelow } from './core/folders.ts'
import { createBell } from './core/log/bell.ts'
import { createEventLog } from './core/log/log.ts'
import { createPartials } from './core/partials/partials.ts'
import type { Agent, AgentProcess } from './core/ports/agent.ts'
import type { Clock, Log } from './core/ports/outside.ts'
import type { Store } from './core/ports/store.ts'
import { createCommands } from './core/runs/commands.ts'
import { createHost } from './core/runs/host.ts'
import { checkOptions } from './core/runs/options.ts'
import { createQueue } from './core/runs/queue.ts'
import { recover } from './core/runs/recover.ts'
import { forgetOldRequests } from './core/runs/requests.ts'
import { createRuns } from './core/runs/runs.ts'
import { createListener } from './http/app.ts'
import { createRoutes } from './http/routes.ts'
import { listen } from './http/server.ts'
import { createSseStreams } from './http/sse.ts'
import { readVersion } from './version.ts'

export interface Service {
  readonly url: string
  readonly version: string
  /** Why runs cannot work now; undefined when they can. */
  readonly unready: string | undefined
  /** Resolves when what an earlier crash left behind is in order. */
  readonly recovered: Promise<void>
  /** Ends everything in order: no new runs, open ones closed, agents gone, store closed. */
  stop(): Promise<void>
}

/** How long a lost ring may keep an event from its readers. */
const DOUBT_MS = 2000
/** How long readers may take to get their last events when the service stops. */
const LAST_EVENTS_MS = 1000
/** How long an agent that a crash left behind may take to leave. */
const ORPHAN_MS = 3000

/** Builds the service from its parts, in order, and closes them in reverse. The one place that knows them all. */
export async function startService(config: Config, environment: NodeJS.ProcessEnv, log: Log): Promise<Service> {
  checkDoors(config)
  const clock: Clock = { now: Date.now }
  const startedAt = new Date(clock.now()).toISOString()
  const allowedRoots = await realRoots(config.allowedRoots)
  const trustedRoots = await presentRoots(config.trustedRoots, log)
  const version = readVersion()
  const rules = { allowedRoots, trustedRoots, allowBypass: config.allowBypass }

  await using building = new AsyncDisposableStack()
  const store = await openStore(config, log)
  building.defer(() => store.close())
  const events = createEventLog({ store, bell: createBell(), clock, log, doubtMs: DOUBT_MS })
  // Only with the agent that has processes, as all that is the agent's alone.
  const marks = config.agent === 'claude' ? await createMarksFor(config) : undefined
  const agent = await createAgent(config, environment, { store, clock, log, trustedRoots, marks })
  building.defer(() => agent.close())
  const approvals = createApprovals({ store, events, clock, log, newId: newHexId })
  const newRunId = () => newHexId() as RunId
  const partials = config.partials ? createPartials() : undefined
  const host = createHost({ store, events, clock, log, agent, approvals, partials, newRunId })
  const continuation = createContinuation({ store, events, host, approvals, clock, log, newRunId })
  const queue = createQueue({ store, events, clock, log, host })
  const commands = createCommands({ store, events, clock, host, queue, approvals })
  const runs = createRuns({
    store,
    events,
    clock,
    rules,
    host,
    queue,
    newRunId,
    check: (options, folder) => checkOptions(options, folder, rules),
  })
  const newConversationId = () => newHexId() as ConversationId
  const conversations = createConversations({
    store,
    clock,
    rules,
    newConversationId,
    endSettling: (folder) => host.endSettling(folder),
  })

  const stopping = new AbortController()
  const streams = createSseStreams({ events, partials, log })
  const headers = { 'x-proxy-version': version, 'x-proxy-started-at': startedAt }
  const routes = createRoutes({
    store,
    streams,
    conversations,
    runs,
    commands,
    approvals,
    host,
    prepares: config.prepare,
    permissionSeconds: config.permissionSeconds,
    version,
    startedAt,
    maxBodyBytes: config.maxBodyBytes,
  })
  const listener = createListener({
    routes,
    rules: config,
    log,
    headers,
    stopping: stopping.signal,
    maxBodyBytes: config.maxBodyBytes,
  })
  // Before listening: what begins from here on is alive, and nothing that a crash has left behind.
  const [left, orphans] = await Promise.all([store.openRuns(), store.processes()])
  const server = await listen(listener, config, headers)
  building.defer(() => {
    stopping.abort()
    streams.close()
    return server.close(LAST_EVENTS_MS)
  })
  // Runs are closed while readers still listen, so that they see the end.
  building.defer(() => host.stop())

  // After listening: a long history must not keep the service from answering.
  const recovered = recover({
    store,
    events,
    clock,
    log,
    host,
    queue,
    left,
    orphans,
    endProcesses: (processes) => endOrphans(processes, marks),
    stopping: stopping.signal,
  }).then(() => continuation.resume())
  recovered.catch((error: unknown) => log.error('what a crash left behind could not be put in order', { error }))
  building.use(forgetOldRequests({ store, clock, log }))
  const built = building.move()
  return { url: server.url, version, unready: await agent.unready(), recovered, stop: () => built.disposeAsync() }
}

async function endOrphans(orphans: readonly AgentProcess[], marks: Marks | undefined): Promise<void> {
  if (orphans.length === 0 && marks === undefined) return
  const { endAll, signalAll } = await import('./agents/claude/process-tree.ts')
  await endAll(orphans, ORPHAN_MS)
  // What agents began, and whose parent is gone.
  if (marks !== undefined) await signalAll(await marks.leftOver(), 'SIGKILL')
}

async function createMarksFor({ dataDir }: Config): Promise<Marks> {
  const { createMarks } = await import('./agents/claude/mark.ts')
  return createMarks(resolve(dataDir))
}

/** Only the store that was chosen is loaded, as with the agents: every file is time at the start. */
async function openStore(config: Config, log: Log): Promise<Store> {
  if (config.store === 'memory') return (await import('./store/memory/store.ts')).createMemoryStore()
  const { openSqliteStore } = await import('./store/sqlite/store.ts')
  return openSqliteStore({ dataDir: config.dataDir, log })
}

interface AgentDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly trustedRoots: readonly string[]
  /** Undefined for an agent without processes. */
  readonly marks: Marks | undefined
}

async function createAgent(
  config: Config,
  environment: NodeJS.ProcessEnv,
  { store, clock, log, trustedRoots, marks }: AgentDeps,
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
  })
}

/** Whoever reaches this service can run commands, so that only this machine may, or whoever has the token. */
function checkDoors({ host, token }: Config): void {
  const isLoopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (isLoopback || token) return
  throw new ConfigError(
    `Listening on ${host} opens this service to others: set CLAUDE_PROXY_TOKEN or --token-file, or listen on 127.0.0.1 and use an SSH tunnel.`,
  )
}

function realRoots(roots: readonly string[]): Promise<string[]> {
  return Promise.all(
    roots.map((root) =>
      realpath(root).catch((cause) => {
        throw new ConfigError(`The folder ${root} is not there.`, { cause })
      }),
    ),
  )
}

/** A folder that is gone needs no trust; it must not keep the others from their work. */
async function presentRoots(roots: readonly string[], log: Log): Promise<string[]> {
  const found = await Promise.all(roots.map((root) => realRoots([root]).catch(() => root)))
  for (const root of found) if (typeof root === 'string') log.warn('a trusted folder is not there', { folder: root })
  return found.flatMap((root) => (typeof root === 'string' ? [] : root))
}

function newHexId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
}
