import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { AttachmentId, ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { checkDoors, type Config, ConfigError, NO_HOST } from './config.ts'
import { createAgent, createMarksFor, endOrphans, openFiles, openSearch, openStore, tracing } from './chosen.ts'
import { createTokens } from './core/access/tokens.ts'
import { attachmentsWithin, measuredForAll, rulesWithin, storeWithin } from './core/access/within.ts'
import { newHexId, newSecret } from './random.ts'
import { createApprovals } from './core/approvals/approvals.ts'
import { createAttachments } from './core/attachments/attachments.ts'
import { tidyAttachments } from './core/attachments/tidy.ts'
import { createContinuation } from './core/runs/continuation.ts'
import { createBudget } from './core/budget.ts'
import { createConversations } from './core/conversations.ts'
import { forgetDaily } from './core/forget.ts'
import { createForks } from './core/forks.ts'
import { createBell } from './core/log/bell.ts'
import { createFeed } from './core/log/feed.ts'
import { createEventLog } from './core/log/log.ts'
import { type Counts, createCounts } from './core/metrics/counts.ts'
import type { Family } from './core/metrics/family.ts'
import type { GaugesDeps } from './core/metrics/gauges.ts'
import { createPartials } from './core/partials/partials.ts'
import type { Bell, Clock, Log } from './core/ports/outside.ts'
import type { RunOptions } from './core/ports/run.ts'
import { createRewinds } from './core/rewinds.ts'
import { createKeptSettings } from './core/settings/keep.ts'
import { createChangeSettings } from './core/settings/settings.ts'
import { createCommands } from './core/runs/commands.ts'
import { createHost } from './core/runs/host.ts'
import { checkOptions } from './core/runs/options.ts'
import { createQueue } from './core/runs/queue.ts'
import { recover } from './core/runs/recover.ts'
import { KEEP_REQUESTS_MS } from './core/runs/requests.ts'
import { createRuns } from './core/runs/runs.ts'
import { createSessionList } from './core/sessions.ts'
import type { Readiness, ReadinessDeps } from './core/readiness.ts'
import { createWorkspace } from './core/workspace.ts'
import { createIndexer } from './core/search/indexer.ts'
import { retain } from './core/retention.ts'
import { createSearch } from './core/search/search.ts'
import { createListener } from './http/app.ts'
import { createEntrance } from './http/caller.ts'
import { createConsolePage } from './http/console.ts'
import { createForwarding, type Forwarding } from './http/forwarded.ts'
import { createRecord } from './http/record.ts'
import { createRevocation } from './http/revoked.ts'
import { createRoutes, type Routes } from './http/routes.ts'
import { type HttpServer, listen, type Place } from './http/server.ts'
import { createSseStreams } from './http/sse.ts'
import { readSdkVersion, readVersion } from './version.ts'
import { createFiles } from './workspace/files.ts'
import { createGit } from './workspace/git/git.ts'
import { createTurns } from './workspace/git/turns.ts'
import { timestamp } from './core/timestamp.ts'

export interface Service {
  /** Where it answers first, and where besides. */
  readonly url: string
  readonly others: readonly string[]
  readonly version: string
  /** Why runs cannot work now; undefined when they can. */
  readonly unready: string | undefined
  /** Resolves when what an earlier crash left behind is in order. */
  readonly recovered: Promise<void>
  /** Reads again what may change while it runs: the certificate. */
  reload(): void
  /** Ends everything in order: no new runs, open ones closed, agents gone, store closed. */
  stop(): Promise<void>
}

/** How long a lost ring may keep an event from its readers. */
const DOUBT_MS = 2000
/** How long readers may take to get their last events when the service stops. */
const LAST_EVENTS_MS = 1000
/** How long what was said may wait for the search index, while nobody searches. */
const INDEX_MS = 1000
const INDEX_RETRY_MS = 10_000
/** How many repositories are looked at at once. */
const GIT_AT_ONCE = 4

/**
 * Builds the service from its parts, in order, and closes them in reverse. The one place that knows them all.
 * `environmentFile` is where variables of the environment come from, if from a file.
 */
export async function startService(
  config: Config,
  environment: NodeJS.ProcessEnv,
  log: Log,
  bell: Bell = createBell(),
  environmentFile = '',
): Promise<Service> {
  checkDoors(config)
  const places = placesOf(config)
  const clock: Clock = { now: Date.now }
  const startedAt = timestamp(clock.now())
  const allowedRoots = await realRoots(config.allowedRoots)
  const trustedRoots = await presentRoots(config.trustedRoots, log)
  const version = readVersion()
  const rules = { allowedRoots, trustedRoots, allowBypass: config.allowBypass }

  await using building = new AsyncDisposableStack()
  const metrics = createCounts()
  const store = await openStore(config, log, metrics)
  building.defer(() => store.close())
  const files = await openFiles(config)
  // Before listening: what comes from here on is on its way in, and nothing that a crash has left behind.
  const filesLeft = await files.names()
  const attachments = createAttachments({
    store,
    files,
    clock,
    log,
    limits: {
      maxCount: config.maxAttachments,
      maxBytes: config.maxAttachmentBytes,
      maxImageBytes: config.maxImageBytes,
      maxTextBytes: config.maxTextBytes,
      maxUnusedBytes: config.maxUnusedBytes,
      unusedMs: config.unusedHours * 3_600_000,
    },
    newId: () => newHexId() as AttachmentId,
  })
  const events = createEventLog({ store, bell, clock, log, doubtMs: DOUBT_MS, metrics })
  const index = await openSearch(config, store, log)
  if (index) building.defer(() => index.close())
  const indexer = index && createIndexer({ store, index, bell, clock, log, pauseMs: INDEX_MS, retryMs: INDEX_RETRY_MS })
  if (indexer) building.defer(() => indexer.close())
  const traces = await tracing(environment, { events, store, log }, version)
  // After the runs, whose ends they wait for.
  if (traces) building.defer(() => traces.close())
  const search = indexer && createSearch({ store, index, indexer })
  // Only with the agent that has processes, as all that is the agent's alone.
  const marks = config.agent === 'claude' ? await createMarksFor(config) : undefined
  const agent = await createAgent(config, environment, { store, clock, log, trustedRoots, marks, metrics })
  building.defer(() => agent.close())
  const approvals = createApprovals({ store, events, clock, log, newId: newHexId })
  const newRunId = () => newHexId() as RunId
  const partials = config.partials ? createPartials() : undefined
  const settings = createKeptSettings({ store, events, clock, start: newHexId() })
  const budget = createBudget({
    store,
    clock,
    runUsd: config.maxRunUsd > 0 ? config.maxRunUsd : undefined,
    dayUsd: config.maxDayUsd > 0 ? config.maxDayUsd : undefined,
    runTurns: config.maxRunTurns > 0 ? config.maxRunTurns : undefined,
  })
  const host = createHost({ store, events, clock, log, agent, approvals, partials, files, settings, budget, newRunId })
  const continuation = createContinuation({ store, events, host, approvals, budget, clock, log, newRunId })
  const queue = createQueue({ store, events, clock, log, host, budget })
  const check = (options: RunOptions, folder: Folder) => checkOptions(options, folder, rules)

  const newConversationId = () => newHexId() as ConversationId
  const stopping = new AbortController()
  const streams = createSseStreams({ events, partials, log, metrics })
  const readiness = whenAsked({
    store,
    agent,
    log,
    mayAcceptRuns: () => host.mayAcceptRuns,
    minFreeBytes: config.minFreeMegabytes * 1024 ** 2,
  })
  const measures = measuring(metrics, { store, agent, clock, version, subscribers: () => streams.count })
  const headers = { 'x-proxy-version': version, 'x-proxy-started-at': startedAt }
  const facts = {
    readiness,
    traces,
    prepares: config.prepare,
    permissionSeconds: config.permissionSeconds,
    version,
    sdkVersion: config.agent === 'claude' ? readSdkVersion() : undefined,
    startedAt,
    maxBodyBytes: config.maxBodyBytes,
  }

  const { tokenFile, tlsKey, socket } = config
  const ownFiles = [tokenFile, tlsKey, socket, environmentFile].filter((path) => path !== '')
  const gitTurns = createTurns(GIT_AT_ONCE)

  /** All doors, as they are to somebody who may see only these folders, or all. */
  function createRoutesWithin(roots: readonly string[] | undefined): Routes {
    const seen = {
      store: roots ? storeWithin(store, roots) : store,
      rules: roots ? rulesWithin(rules, roots) : rules,
      attachments: roots ? attachmentsWithin(attachments, storeWithin(store, roots)) : attachments,
    }
    const shared = { ...seen, events, clock, log, host, queue, approvals, budget, check }
    const bounds = { rules: seen.rules, dataDir: config.dataDir, ownFiles }
    return createRoutes({
      ...shared,
      ...facts,
      measures: roots ? measuredForAll : measures,
      streams,
      feed: createFeed({ store: seen.store, bell, log, doubtMs: DOUBT_MS }),
      sessions: createSessionList({ ...shared, sessions: agent.sessions, newConversationId }),
      forks: createForks({ ...shared, sessions: agent.sessions, newConversationId }),
      rewinds: createRewinds({ ...shared, agent }),
      settings,
      runs: createRuns({ ...shared, newRunId }),
      commands: createCommands(shared),
      conversations: createConversations({
        ...shared,
        newConversationId,
        endSettling: (folder) => host.endSettling(folder),
        removeFiles: () => attachments.sweep(),
      }),
      changeSettings: createChangeSettings({ ...shared, kept: settings }),
      workspace: createWorkspace({
        rules: seen.rules,
        files: createFiles(bounds),
        git: createGit(bounds, environment['PATH'] ?? '', gitTurns),
      }),
      search: indexer && createSearch({ ...shared, index, indexer }),
    })
  }

  const tokens = createTokens({ store, clock, newId: newHexId, newSecret })
  const forwarding = forwardingOf(config)
  const record = createRecord({ store, clock, log })
  building.defer(() => record.close())
  const revocation = createRevocation(tokens, log)
  const common = {
    forwarding,
    console: createConsolePage(join(import.meta.dirname, '../../console/dist')),
    routesWithin: forEach(createRoutesWithin),
    recordOf: record.of,
    revocation,
    log,
    clock,
    metrics,
    headers,
    stopping: stopping.signal,
    maxBodyBytes: config.maxBodyBytes,
  }
  const listenerOf = (unnamed: 'loopback' | 'socket') =>
    createListener({
      ...common,
      callerOf: createEntrance(tokens, forwarding, { ...config, unnamed }),
      rules: { ...config, anyHost: unnamed === 'socket' },
    })
  // Before listening: what begins from here on is alive, and nothing that a crash has left behind.
  const [left, orphans] = await Promise.all([store.openRuns(), store.processes()])
  const servers: HttpServer[] = []
  building.defer(async () => {
    stopping.abort()
    streams.close()
    await Promise.all(servers.map((server) => server.close(LAST_EVENTS_MS)))
  })
  for (const place of places)
    servers.push(await listen(listenerOf('path' in place ? 'socket' : 'loopback'), place, headers, log))
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
  void recovered
    .catch((error: unknown) => log.error('what a crash left behind could not be put in order', { error }))
    .then(() => indexer?.start())
  building.use(
    forgetDaily({
      clock,
      log,
      what: 'old keys of requests',
      keepMs: KEEP_REQUESTS_MS,
      forget: (before) => store.forgetRequests(before),
    }),
  )
  building.use(
    forgetDaily({
      clock,
      log,
      what: 'old entries of the audit trail',
      keepMs: config.auditDays * 86_400_000,
      forget: (before) => store.forgetAudit(before),
    }),
  )
  building.use(tidyAttachments(attachments, filesLeft))
  if (config.retainDays > 0 || config.retainMegabytes > 0)
    building.use(
      retain({
        store,
        clock,
        log,
        policy: {
          olderThanMs: config.retainDays > 0 ? config.retainDays * 86_400_000 : undefined,
          keepBytes: config.retainMegabytes > 0 ? config.retainMegabytes * 1e6 : undefined,
          archivedFirst: true,
        },
        onPruned: ({ id }) => {
          streams.end(id)
          search?.forget(id)
        },
      }),
    )
  const built = building.move()
  const [url = '', ...others] = servers.map((server) => server.url)
  return {
    url,
    others,
    version,
    unready: await agent.unready(),
    recovered,
    reload: () => servers.forEach((server) => server.reload()),
    stop: () => built.disposeAsync(),
  }
}

/** Where to listen. */
function placesOf({ host, port, socket, tlsCert: cert, tlsKey: key }: Config): Place[] {
  if ((cert === '') !== (key === '')) throw new ConfigError('TLS needs both: --tls-cert and --tls-key.')
  if (host === NO_HOST && socket === '')
    throw new ConfigError('--host none leaves nothing to listen on: give --socket.')
  const certificate = cert === '' ? undefined : { cert, key }
  const places = host === NO_HOST ? [] : [{ host, port, certificate }]
  return socket === '' ? places : [...places, { path: resolve(socket) }]
}

function forwardingOf({ trustedProxies }: Config): Forwarding {
  try {
    return createForwarding(trustedProxies)
  } catch (cause) {
    throw new ConfigError(`--trusted-proxies cannot be used: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
}

/** Whether a prompt could be worked on now. */
function whenAsked(deps: ReadinessDeps): Readiness {
  let readiness: Promise<Readiness> | undefined
  return async () => {
    readiness ??= import('./core/readiness.ts').then(({ createReadiness }) => createReadiness(deps))
    return (await readiness)()
  }
}

/** Everything that is measured, as text. What it takes is loaded when it is first asked for. */
function measuring(counts: Counts, deps: GaugesDeps): () => Promise<string> {
  let gauges: Promise<() => Promise<Family[]>> | undefined
  return async () => {
    gauges ??= import('./core/metrics/gauges.ts').then(({ createGauges }) => createGauges(deps))
    const [looked, { toText }] = await Promise.all([gauges.then((look) => look()), import('./core/metrics/text.ts')])
    return toText([...counts.families(), ...looked])
  }
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

/** Few tokens name different folders; should they be many, what was made for the others is made again. */
const MOST_KEPT = 64

/** `make`, once for each list of folders. */
function forEach<T>(make: (roots: readonly string[] | undefined) => T): typeof make {
  const all = make(undefined)
  const made = new Map<string, T>()
  return (roots) => {
    if (!roots) return all
    const key = JSON.stringify(roots)
    const known = made.get(key) ?? make(roots)
    if (made.size >= MOST_KEPT) made.clear()
    made.set(key, known)
    return known
  }
}

/** A folder that is gone needs no trust; it must not keep the others from their work. */
async function presentRoots(roots: readonly string[], log: Log): Promise<string[]> {
  const found = await Promise.all(roots.map((root) => realRoots([root]).catch(() => root)))
  for (const root of found) if (typeof root === 'string') log.warn('a trusted folder is not there', { folder: root })
  return found.flatMap((root) => (typeof root === 'string' ? [] : root))
}
