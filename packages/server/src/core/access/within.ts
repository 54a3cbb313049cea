import type { AttachmentId, Folder } from '@claude-proxy/protocol/ids'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Attachments } from '../attachments/attachments.ts'
import { uploadUnknown } from '../attachments/received.ts'
import { type FolderRules, isBelow } from '../folders.ts'
import type { Conversation } from '../ports/conversation.ts'
import type { Store } from '../ports/store.ts'

/**
 * What is passed on as it is. Either it takes what was looked up here before, or it is the service's own work, which no
 * client reaches. A method that is not named here has to say below what of it may be seen.
 */
type PassedOn =
  | 'setSession'
  | 'beginRun'
  | 'claimRun'
  | 'append'
  | 'endRun'
  | 'interruptRun'
  | 'openRuns'
  | 'addPrompt'
  | 'changePrompt'
  | 'beginPrompt'
  | 'queuedFolders'
  | 'steeringPrompts'
  | 'rememberRequest'
  | 'forgetRequests'
  | 'settleApproval'
  | 'carryApprovals'
  | 'dropCarried'
  | 'addUpload'
  | 'foldersOf'
  | 'unusedUploads'
  | 'removeUnusedAttachments'
  | 'beginStaged'
  | 'addToStaged'
  | 'copyToStaged'
  | 'publishStaged'
  | 'dropStaged'
  | 'addNote'
  | 'feedHead'
  | 'feedKnows'
  | 'addProcess'
  | 'removeProcess'
  | 'processes'
  | 'importConversation'
  | 'createToken'
  | 'revokeToken'
  | 'tokens'
  | 'tokenOf'
  | 'token'
  | 'addAudit'
  | 'forgetAudit'
  | 'atRest'
  | 'pruneConversation'
  | 'footprint'
  | 'load'
  | 'check'
  | 'close'

/** The store as somebody sees it who may see only some folders: all else is not there. */
export function storeWithin(store: Store, roots: readonly string[]): Store {
  const isInside = (folder: Folder) => isBelow(folder, roots)
  const seen = async <T extends { readonly folder: Folder }>(found: Promise<T | undefined>) => {
    const it = await found
    return it && isInside(it.folder) ? it : undefined
  }
  const conversation: Store['conversation'] = (id) => seen(store.conversation(id))
  const inside = async (id: Conversation['id']) => (await conversation(id)) !== undefined
  /** An approval and a page know their conversation. */
  const approval: Store['approval'] = async (id) => {
    const known = await store.approval(id)
    return known && (await inside(known.conversation)) ? known : undefined
  }
  const expectInside = (folder: Folder) => {
    if (!isInside(folder)) throw outsideOfToken()
  }

  const limited: Omit<Store, PassedOn> = {
    conversation,
    async resolve(name) {
      const found = await store.resolve(name)
      return found && isInside(found.conversation.folder) ? found : undefined
    },
    canonical: (folder) => seen(store.canonical(folder)),
    conversations: (filter) => store.conversations({ ...filter, within: roots }),
    async createConversation(input) {
      expectInside(input.folder)
      return store.createConversation(input)
    },
    changeConversation: async (id, facts) => ((await inside(id)) ? store.changeConversation(id, facts) : undefined),
    changeSettings: async (change) =>
      (await inside(change.id)) ? store.changeSettings(change) : { status: 'unknown' },
    async ensureCanonical(input) {
      expectInside(input.folder)
      return store.ensureCanonical(input)
    },
    async activate(input) {
      expectInside(input.folder)
      return store.activate(input)
    },
    deleteConversation: async (id) => ((await inside(id)) ? store.deleteConversation(id) : { status: 'unknown' }),
    run: (id) => seen(store.run(id)),
    account: async (id) => ((await inside(id)) ? store.account(id) : undefined),
    lastError: async (id) => ((await inside(id)) ? store.lastError(id) : undefined),
    usage: (query) => store.usage({ ...query, within: roots }),
    openRun: async (folder) => (isInside(folder) ? store.openRun(folder) : undefined),
    prompt: (id) => seen(store.prompt(id)),
    queuedPrompts: async (folder) => (isInside(folder) ? store.queuedPrompts(folder) : []),
    requestOf: async (folder, key) => (isInside(folder) ? store.requestOf(folder, key) : undefined),
    page: async (id, after, atMostBytes) => {
      const known = await store.conversation(id)
      // Of one that is gone everybody is told the same.
      if (known === undefined || isInside(known.folder)) return store.page(id, after, atMostBytes)
      throw outsideOfToken()
    },
    async feed(after, only, atMostBytes) {
      const page = await store.feed(after, only, atMostBytes)
      const hidden = new Set<Conversation['id']>()
      for (const id of new Set(page.batches.map((batch) => batch.conversation))) if (!(await inside(id))) hidden.add(id)
      // The place goes on behind what is left out.
      return { ...page, batches: page.batches.filter((batch) => !hidden.has(batch.conversation)) }
    },
    conversationOfSession: (sessionId) => seen(store.conversationOfSession(sessionId)),
    approval,
    approvals: (filter) => store.approvals({ ...filter, within: roots }),
    approvalRules: async (where) => (await store.approvalRules(where)).filter(({ folder }) => isInside(folder)),
    async removeApprovalRule(id) {
      const known = (await store.approvalRules({})).find((rule) => rule.id === id)
      return known !== undefined && isInside(known.folder) ? store.removeApprovalRule(id) : false
    },
    async attachment(id) {
      const folders = await store.foldersOf(id)
      // One that no prompt has used is known to nobody but whoever uploaded it, by an id that cannot be guessed.
      return folders.length === 0 || folders.some(isInside) ? store.attachment(id) : undefined
    },
    audit: (filter) => store.audit({ ...filter, within: roots }),
  }
  return { ...store, ...limited }
}

/** Attachments as somebody has them who sees only what `seen` shows: those of others can neither be read nor sent. */
export function attachmentsWithin(attachments: Attachments, seen: Store): Attachments {
  const expect = async (id: AttachmentId) => {
    if (!(await seen.attachment(id))) throw uploadUnknown(id)
  }
  return {
    ...attachments,
    async receive(given) {
      for (const each of given ?? []) if ('upload_id' in each) await expect(each.upload_id)
      return attachments.receive(given)
    },
    async open(id) {
      await expect(id)
      return attachments.open(id)
    },
  }
}

/** The operator's rules, narrowed to these folders. Throws when that leaves nothing. */
export function rulesWithin<R extends FolderRules>(rules: R, roots: readonly string[]): R {
  const { allowedRoots } = rules
  const inner = roots.filter((root) => allowedRoots.length === 0 || isBelow(root, allowedRoots))
  const outer = allowedRoots.filter((root) => isBelow(root, roots))
  const narrowed = [...new Set([...inner, ...outer])]
  // No roots would mean: anywhere.
  if (narrowed.length === 0) throw outsideOfToken()
  return { ...rules, allowedRoots: narrowed }
}

/** What another folder has to do with it is not told. */
export function withoutElsewhere(error: unknown, roots: readonly string[]): unknown {
  const expected = error instanceof AppError ? error.details['expected_cwd'] : undefined
  if (typeof expected !== 'string' || isBelow(expected, roots)) return error
  return new AppError('conversation_exists', 'This id is taken, or was.')
}

/** What is measured tells no folder from another. */
export async function measuredForAll(): Promise<never> {
  throw outsideOfToken()
}

function outsideOfToken(): AppError {
  return new AppError('forbidden_folder', 'This is outside the folders that the token is for.')
}
