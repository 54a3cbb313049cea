import { setImmediate as nextTick } from 'node:timers/promises'
import { AppError } from '@claude-proxy/protocol/errors'
import type { AgentProcess } from '../../core/ports/agent.ts'
import type { Store } from '../../core/ports/store.ts'
import { addAudit, audit, createToken, forgetAudit, revokeToken, tokenOf, tokens } from './access.ts'
import { account, lastError } from './accounts.ts'
import { approvalRules, approvals, ask, carryApprovals, checkAsked, dropCarried, settleApproval } from './approvals.ts'
import { canonical, change, changeConversation, createConversation, resolve } from './conversations.ts'
import { addUpload, foldersOf, removeUnusedAttachments, unusedUploads } from './attachments.ts'
import { deleteConversation } from './delete.ts'
import { addToStaged, beginStaged, conversationOfSession, copyToStaged, dropStaged, publishStaged } from './staging.ts'
import { addNote, page } from './events.ts'
import { createFeed } from './feed.ts'
import { activate, ensureCanonical } from './folders.ts'
import { importConversation } from './import.ts'
import { load } from './load.ts'
import { conversations } from './listing.ts'
import { addPrompt, beginPrompt, changePrompt, queuedFolders, queuedPrompts, steeringPrompts } from './prompts.ts'
import { forgetRequests, rememberRequest, requestOf } from './requests.ts'
import { atRest, footprint, pruneConversation } from './retention.ts'
import { changeSettings } from './settings.ts'
import { append, beginRun, claimRun, endRun, interruptRun, openRun, openRuns } from './runs.ts'
import { emptyState, type State } from './state.ts'
import { usage } from './usage.ts'

/** A store that forgets everything with the process: the reference for the others, and a quick one for tests. */
export function createMemoryStore(): Store {
  const state = emptyState()
  const feed = createFeed()
  let isClosed = false

  /** Nothing interrupts a function that does not wait: that makes each operation a transaction. */
  function does<T>(operation: (state: State) => T): Promise<T> {
    return Promise.try(() => {
      if (isClosed) throw new AppError('shutting_down', 'The store is closed.')
      return operation(state)
    })
  }

  return {
    conversation: (id) => does((all) => all.conversations.get(id)),
    resolve: (name) => does((all) => resolve(all, name)),
    canonical: (folder) => does((all) => canonical(all, folder)),
    conversations: (filter) => does((all) => conversations(all, filter)),
    createConversation: (input) => does((all) => createConversation(all, input)),
    changeConversation: (id, facts) => does((all) => changeConversation(all, id, facts)),
    changeSettings: (input) => does((all) => changeSettings(all, input)),
    ensureCanonical: (input) => does((all) => ensureCanonical(all, input)),
    activate: (input) => does((all) => activate(all, input)),
    setSession: (id, sessionId, at) => does((all) => void change(all, id, { sessionId, updatedAt: at })),
    deleteConversation: (id) => does((all) => deleteConversation(all, id)),

    atRest: (query) => does((all) => atRest(all, query)),
    pruneConversation: (id, activeBefore) => does((all) => pruneConversation(all, id, activeBefore)),
    footprint: () => does((all) => footprint(all)),

    beginRun: (run) => does((all) => beginRun(all, run)),
    claimRun: (id) => does((all) => claimRun(all, id)),
    async append(run, lines, at, asked = []) {
      const appended = await does((all) => {
        checkAsked(all, asked)
        const stored = append(all, run, lines, at)
        if (stored.status === 'stored') ask(all, run, asked)
        return stored
      })
      // An answer in a turn of its own, as every store gives it: what comes meanwhile goes with the next append.
      await nextTick()
      return appended
    },
    endRun: (run, lines, at, ending) => does((all) => endRun(all, run, lines, at, ending)),
    interruptRun: (id, because) => does((all) => interruptRun(all, id, because)),
    run: (id) => does(({ runs }) => runs.get(id)),
    account: (id) => does((all) => account(all, id)),
    lastError: (id) => does((all) => lastError(all, id)),
    usage: (query) => does((all) => usage(all, query)),
    openRun: (folder) => does((all) => openRun(all, folder)),
    openRuns: () => does((all) => openRuns(all)),

    addPrompt: (prompt) => does((all) => addPrompt(all, prompt)),
    changePrompt: (input) => does((all) => changePrompt(all, input)),
    beginPrompt: (begin) => does((all) => beginPrompt(all, begin)),
    prompt: (id) => does(({ prompts }) => prompts.get(id)),
    queuedPrompts: (folder) => does((all) => queuedPrompts(all, folder)),
    queuedFolders: () => does((all) => queuedFolders(all)),
    steeringPrompts: (run) => does((all) => steeringPrompts(all, run)),

    requestOf: (folder, asked) => does((all) => requestOf(all, folder, asked)),
    rememberRequest: (input) => does((all) => rememberRequest(all, input)),
    forgetRequests: (before) => does((all) => forgetRequests(all, before)),

    page: (conversation, after, atMostBytes) => does((all) => page(all, conversation, after, atMostBytes)),
    feed: (after, only, atMostBytes) => does((all) => feed.page(all, after, only, atMostBytes)),
    feedHead: () => does((all) => feed.head(all)),
    feedKnows: (place) => does((all) => feed.knows(all, place)),

    approval: (id) => does((all) => all.approvals.get(id)),
    approvals: (filter) => does((all) => approvals(all, filter)),
    settleApproval: (input) => does((all) => settleApproval(all, input)),
    carryApprovals: (run, toolUseIds) => does((all) => carryApprovals(all, run, toolUseIds)),
    dropCarried: (id) => does((all) => dropCarried(all, id)),
    approvalRules: (where) => does((all) => approvalRules(all, where)),
    removeApprovalRule: (id) => does((all) => all.rules.delete(id)),

    addUpload: (attachment, at, by) => does((all) => addUpload(all, attachment, at, by)),
    attachment: (id) => does(({ attachments }) => attachments.get(id)?.attachment),
    foldersOf: (id) => does((all) => foldersOf(all, id)),
    unusedUploads: (by) => does((all) => unusedUploads(all, by)),
    removeUnusedAttachments: (before) => does((all) => removeUnusedAttachments(all, before)),

    addProcess: (process) => does(({ processes }) => void processes.set(key(process), process)),
    removeProcess: (process) => does(({ processes }) => void processes.delete(key(process))),
    processes: () => does(({ processes }) => [...processes.values()]),

    importConversation: (conversation) => does((all) => importConversation(all, conversation)),

    beginStaged: () => does((all) => beginStaged(all)),
    addToStaged: (staged, lines) => does((all) => addToStaged(all, staged, lines)),
    copyToStaged: (staged, from, until) => does((all) => copyToStaged(all, { staged, from, until })),
    publishStaged: (publication) => does((all) => publishStaged(all, publication)),
    dropStaged: (staged) => does((all) => dropStaged(all, staged)),
    conversationOfSession: (sessionId) => does((all) => conversationOfSession(all, sessionId)),
    addNote: (conversation, line, at) => does((all) => addNote(all, conversation, line, at)),
    createToken: (token, entry) => does((all) => createToken(all, token, entry)),
    revokeToken: (id, entry) => does((all) => revokeToken(all, id, entry)),
    tokens: () => does((all) => tokens(all)),
    tokenOf: (digest) => does((all) => tokenOf(all, digest)),
    token: (id) => does((all) => all.tokens.get(id)?.token),
    addAudit: (entry) => does((all) => addAudit(all, entry)),
    audit: (filter) => does((all) => audit(all, filter)),
    forgetAudit: (before) => does((all) => forgetAudit(all, before)),
    load: () => does((all) => load(all)),
    check: () => does(() => ({ freeBytes: undefined })),

    close() {
      isClosed = true
      return Promise.resolve()
    },
  }
}

function key({ pid, startedAt }: AgentProcess): string {
  return `${pid} ${startedAt}`
}
