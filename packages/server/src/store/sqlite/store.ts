import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@claude-proxy/protocol/errors'
import { type Metrics, UNCOUNTED } from '../../core/ports/metrics.ts'
import type { Log } from '../../core/ports/outside.ts'
import type { Store } from '../../core/ports/store.ts'
import { readAccess } from './access.ts'
import { readAccounts } from './accounts.ts'
import { readApprovals } from './approvals.ts'
import { readAttachments } from './attachments.ts'
import { readConversations, toConversation } from './conversations.ts'
import { readSessions } from './staging.ts'
import { makeDataDir, refuseHalfRestored, syncPath } from './data-dir.ts'
import { readEvents } from './events.ts'
import { failure, toError } from './failure.ts'
import { probeDisk } from './health.ts'
import { listConversations } from './listing.ts'
import { readFeed } from './feed.ts'
import { readLoad } from './load.ts'
import { lockDataDir } from './lock.ts'
import { openForReading, prepareDatabase } from './open.ts'
import { IMPORTED_ROW, pieces } from './pieces.ts'
import { readProcesses } from './processes.ts'
import { readPrompts } from './prompts.ts'
import { readRequests } from './requests.ts'
import { readRetention } from './retention.ts'
import { readRuns } from './runs.ts'
import { readUsage } from './usage.ts'
import { openWriter } from './writer.ts'

/**
 * Opens the store in `dataDir`, creating it if need be. Fails with a sentence for the user when another process has
 * it, or when a newer release has written it.
 *
 * One thread writes; this one reads, over a connection of its own.
 */
export async function openSqliteStore({
  dataDir,
  log,
  metrics = UNCOUNTED,
}: {
  dataDir: string
  log: Log
  metrics?: Metrics
}): Promise<Store> {
  await using opening = new AsyncDisposableStack()
  makeDataDir(dataDir, log)
  opening.use(lockDataDir(dataDir))
  refuseHalfRestored(dataDir)
  const file = join(dataDir, 'claude-proxy.db')
  // Where there is a database, an earlier start has done it.
  if (!existsSync(file)) syncPath(dataDir)
  prepareDatabase(file)
  const writer = openWriter(file, log, undefined, metrics)
  opening.defer(() => writer.close())
  // closed before the writer, which as the last one to close leaves a single tidy file behind
  const db = openForReading(file)
  opening.defer(() => db.close())

  const conversations = readConversations(db)
  const list = listConversations(db)
  const runs = readRuns(db)
  const access = readAccess(db)
  const accounts = readAccounts(db)
  const usage = readUsage(db)
  const retention = readRetention(db)
  const events = readEvents(db)
  const feed = readFeed(db)
  const approvals = readApprovals(db)
  const attachments = readAttachments(db)
  const processes = readProcesses(db)
  const prompts = readPrompts(db)
  const requests = readRequests(db)
  const sessions = readSessions(db)
  const load = readLoad(db)
  const open = opening.move()
  let closing: Promise<void> | undefined

  /** Reads at once, and promises what it read. */
  function read<T>(query: () => T): Promise<T> {
    return Promise.try(() => {
      if (closing !== undefined) throw new AppError('shutting_down', 'The store is closed.')
      try {
        return query()
      } catch (error) {
        throw toError(failure(error))
      }
    })
  }

  return {
    conversation: (id) =>
      read(() => {
        const row = conversations.byId(id)
        return row && toConversation(row)
      }),
    resolve: (name) => read(() => conversations.resolve(name)),
    canonical: (folder) =>
      read(() => {
        const row = conversations.canonical(folder)
        return row && toConversation(row)
      }),

    conversations: (filter) => read(() => list(filter)),
    createConversation: async ({ id, folder, cwd, title, tags, at }) =>
      writer.submit('createConversation', { id, folder, cwd, title, tags, at }),
    changeConversation: async (id, { title, isArchived, tags }) =>
      writer.submit('changeConversation', { id, title, isArchived, tags }),

    async changeSettings({ id, from, to, line, at }) {
      const lines = pieces([line])
      return writer.submit('changeSettings', { id, from, to, lines, at }, lines)
    },

    async ensureCanonical({ id, folder, cwd, group, at }) {
      // clients ask this every few seconds: most of the time there is nothing to write
      const row = await read(() => conversations.canonical(folder))
      if (row !== undefined && (group === undefined || group === row.grp)) {
        return { conversation: toConversation(row), created: false }
      }
      return writer.submit('ensureCanonical', { id, folder, cwd, group, at })
    },
    activate: async ({ id, folder, cwd, group, at }) => writer.submit('activate', { id, folder, cwd, group, at }),
    setSession: async (id, sessionId, at) => writer.submit('setSession', { id, sessionId, at }),
    deleteConversation: async (id) => writer.submit('deleteConversation', id),
    atRest: (query) => read(() => retention.atRest(query)),
    pruneConversation: async (id, activeBefore) => writer.submit('pruneConversation', { id, activeBefore }),
    footprint: () => read(() => retention.footprint()),

    async beginRun({ options, line, isOwn = false, ...run }) {
      const lines = pieces([line])
      return writer.submit('beginRun', { ...run, isOwn, options: JSON.stringify(options), lines }, lines)
    },
    claimRun: async (id) => writer.submit('claimRun', id),
    async append(run, given, at, asked) {
      const lines = pieces(given)
      return writer.submit('append', { run, lines, at, ...(asked && { asked }) }, lines)
    },
    async endRun(run, given, at, ending) {
      const lines = pieces(given)
      return writer.submit('endRun', { run, lines, at, ...(ending && { ending }) }, lines)
    },
    interruptRun: async (id, because) => writer.submit('interruptRun', { id, because }),
    run: (id) => read(() => runs.run(id)),
    account: (id) => read(() => accounts.account(id)),
    lastError: (id) => read(() => accounts.lastError(id)),
    usage: (query) => read(() => usage.usage(query)),
    openRun: (folder) => read(() => runs.openRun(folder)),
    openRuns: () => read(() => runs.openRuns()),

    async addPrompt({ options, line, isOwn = false, isFirst = false, ...prompt }) {
      const lines = pieces([line])
      return writer.submit('addPrompt', { ...prompt, isOwn, isFirst, options: JSON.stringify(options), lines }, lines)
    },
    async changePrompt(change) {
      const lines = pieces([change.line])
      return writer.submit('changePrompt', { ...change, lines }, lines)
    },
    async beginPrompt({ id, text, line, at }) {
      const lines = pieces([line])
      return writer.submit('beginPrompt', { id, text, lines, at }, lines)
    },
    prompt: (id) => read(() => prompts.prompt(id)),
    queuedPrompts: (folder) => read(() => prompts.queuedPrompts(folder)),
    queuedFolders: () => read(() => prompts.queuedFolders()),
    steeringPrompts: (run) => read(() => prompts.steeringPrompts(run)),

    requestOf: (folder, key) => read(() => requests.requestOf(folder, key)),
    rememberRequest: async ({ folder, key, run, at }) => writer.submit('rememberRequest', { folder, key, run, at }),
    forgetRequests: async (before) => writer.submit('forgetRequests', before),

    page: (conversation, after, atMostBytes) => read(() => events.page(conversation, after, atMostBytes)),
    feed: (after, only, atMostBytes) => read(() => feed.feed(after, only, atMostBytes)),
    feedHead: () => read(() => feed.feedHead()),
    feedKnows: (place) => read(() => feed.feedKnows(place)),

    approval: (id) => read(() => approvals.approval(id)),
    approvals: (filter) => read(() => approvals.approvals(filter)),
    async settleApproval({ id, state, settlement, line, remember = [] }) {
      const lines = pieces([line])
      return writer.submit('settleApproval', { id, state, settlement, lines, remember }, lines)
    },
    carryApprovals: async (run, toolUseIds) => writer.submit('carryApprovals', { run, toolUseIds }),
    dropCarried: async (id) => writer.submit('dropCarried', id),
    approvalRules: (where) => read(() => approvals.approvalRules(where)),
    removeApprovalRule: async (id) => writer.submit('removeApprovalRule', id),

    addUpload: async (attachment, at, by) => writer.submit('addUpload', { attachment, at, by }),
    attachment: (id) => read(() => attachments.attachment(id)),
    foldersOf: (id) => read(() => attachments.foldersOf(id)),
    unusedUploads: (by) => read(() => attachments.unusedUploads(by)),
    removeUnusedAttachments: async (before) => writer.submit('removeUnusedAttachments', before),

    addProcess: async ({ pid, startedAt }) => writer.submit('addProcess', { pid, startedAt }),
    removeProcess: async ({ pid, startedAt }) => writer.submit('removeProcess', { pid, startedAt }),
    processes: () => read(() => processes.processes()),

    async importConversation({ id, folder, cwd, group, sessionId, createdAt, updatedAt, lines: given, canonical }) {
      const lines = given.length === 0 ? [] : pieces(given, IMPORTED_ROW)
      const conversation = { id, folder, cwd, group, sessionId, createdAt, updatedAt, lines, canonical }
      return writer.submit('importConversation', conversation, lines)
    },

    beginStaged: async (at) => writer.submit('beginStaged', at),
    async addToStaged(staged, given, at) {
      const lines = pieces(given, IMPORTED_ROW)
      return writer.submit('addToStaged', { staged, lines, at }, lines)
    },
    copyToStaged: async (staged, from, until) => writer.submit('copyToStaged', { staged, from, until }),
    async publishStaged({ staged, id, folder, cwd, title, tags, sessionId, ownsSession, attachmentsOf, line, at }) {
      const lines = pieces([line])
      const publication = { staged, id, folder, cwd, title, tags, sessionId, ownsSession, attachmentsOf, lines, at }
      return writer.submit('publishStaged', publication, lines)
    },
    dropStaged: async (staged) => writer.submit('dropStaged', staged),
    conversationOfSession: (sessionId) => read(() => sessions.conversationOfSession(sessionId)),
    async addNote(conversation, line, at) {
      const lines = pieces([line])
      return writer.submit('addNote', { conversation, lines, at }, lines)
    },
    createToken: async (token, entry) => writer.submit('createToken', { token, entry }),
    revokeToken: async (id, entry) => writer.submit('revokeToken', { id, entry }),
    tokens: () => read(() => access.tokens()),
    tokenOf: (digest) => read(() => access.tokenOf(digest)),
    token: (id) => read(() => access.token(id)),
    addAudit: async (entry) => writer.submit('addAudit', entry),
    audit: (filter) => read(() => access.audit(filter)),
    forgetAudit: async (before) => writer.submit('forgetAudit', before),

    load: () => read(load),
    async check() {
      await read(load)
      await writer.submit('answer', undefined)
      return { freeBytes: await probeDisk(dataDir) }
    },

    close: () => (closing ??= open.disposeAsync()),
  }
}
