import { AppError } from '@claude-proxy/protocol/errors'
import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { type FolderRules, findFolder, folderOrSpelling } from './folders.ts'
import type { Clock } from './ports/outside.ts'
import type { Conversation, Resolved } from './ports/conversation.ts'
import type { Store } from './ports/store.ts'

export interface ConversationsDeps {
  readonly store: Store
  readonly clock: Clock
  readonly rules: FolderRules
  readonly newConversationId: () => ConversationId
  /** Ends a run that only waits for its background tasks, so that nobody is refused because of it. */
  readonly endSettling: (folder: Folder) => Promise<unknown>
  /** Removes files that nothing refers to any more. Does not reject. */
  readonly removeFiles: () => Promise<void>
}

export type Conversations = ReturnType<typeof createConversations>

/** The identity of conversations: names, folders, and which conversation a folder stands for. */
export function createConversations({
  store,
  clock,
  rules,
  newConversationId,
  endSettling,
  removeFiles,
}: ConversationsDeps) {
  return {
    /** The folder's conversation, created when there is none. */
    async canonical(input: { cwd: string; group?: string | undefined }) {
      const folder = await findFolder(input.cwd, rules)
      // Asked before every call of the app: reads only, as long as there is one.
      const known = await store.canonical(folder)
      if (known) return { conversation: known, created: false }
      return store.ensureCanonical({
        id: newConversationId(),
        folder,
        cwd: input.cwd,
        group: input.group,
        at: clock.now(),
      })
    },

    /** A new conversation in a folder, beside those that it has. */
    async create(input: {
      id: ConversationId | undefined
      cwd: string
      title: string | undefined
      tags: readonly string[] | undefined
    }) {
      const folder = await findFolder(input.cwd, rules)
      const id = input.id ?? newConversationId()
      const { cwd, title, tags = [] } = input
      const created = await store.createConversation({ id, folder, cwd, title, tags, at: clock.now() })
      if (created) return created
      throw new AppError('conversation_exists', `The id ${id} is taken, or was.`, { conversation_id: id })
    },

    /** The conversation of this very id. */
    async own(id: ConversationId): Promise<Conversation> {
      const known = await store.conversation(id)
      if (known) return known
      throw conversationUnknown(id)
    },

    /** Deletes the conversation with all that belongs to it. */
    async remove(id: ConversationId): Promise<void> {
      const { folder } = await this.own(id)
      await endSettling(folder)
      const { status } = await store.deleteConversation(id)
      if (status === 'unknown') throw conversationUnknown(id)
      if (status === 'busy') throw alreadyRunning(id)
      await removeFiles()
    },

    /** Makes `id`, new or old, its folder's conversation. */
    async activate(input: { id: ConversationId; cwd: string; group?: string | undefined }) {
      const folder = await findFolder(input.cwd, rules)
      await endSettling(folder)
      const outcome = await store.activate({
        id: input.id,
        folder,
        cwd: input.cwd,
        group: input.group,
        at: clock.now(),
      })
      if (outcome.status === 'elsewhere') throw cwdMismatch(input.id, outcome.folder, folder)
      if (outcome.status === 'busy') throw folderBusy(folder)
      return outcome.previous
    },

    /**
     * The conversation that a name stands for, for reading. With a `cwd`, an unknown name stands for the folder's
     * conversation, and a name that belongs to another folder is as good as unknown.
     */
    async find(name: ConversationId, cwd: string | undefined): Promise<Resolved> {
      const resolved = await store.resolve(name)
      if (cwd === undefined) {
        if (resolved) return resolved
        throw conversationUnknown(name)
      }
      const folder = await folderOrSpelling(cwd)
      if (resolved && isAt(resolved.conversation, folder, cwd)) return resolved
      const conversation = resolved ? undefined : await store.canonical(folder)
      if (conversation) return { conversation, isOwn: false }
      // A folder that is away for a moment must not look like an unknown conversation: the phone would wipe the chat.
      await findFolder(cwd, rules)
      throw conversationUnknown(name)
    },
  }
}

/** A link that points nowhere for now still leads to the conversation that was begun through it. */
function isAt(conversation: Conversation, folder: Folder, cwd: string): boolean {
  return conversation.folder === folder || conversation.cwd === cwd
}

export function conversationUnknown(name: ConversationId): AppError {
  return new AppError('conversation_unknown', `No conversation is known as ${name}.`, {
    conversation_id: name,
    reset: true,
  })
}

export function cwdMismatch(name: ConversationId, expected: Folder, got: Folder): AppError {
  return new AppError('conversation_cwd_mismatch', `Conversation ${name} belongs to ${expected}, not to ${got}.`, {
    expected_cwd: expected,
    got_cwd: got,
    conversation_id: name,
  })
}

export function folderBusy(folder: Folder): AppError {
  return new AppError('agent_folder_busy', `Agent folder is busy. Retry in ${RETRY_MS} ms.`, {
    cwd: folder,
    retry_after_ms: RETRY_MS,
  })
}

export function alreadyRunning(conversation: Conversation['id']): AppError {
  return new AppError('conversation_already_running', 'Conversation already running. Please wait for it to finish.', {
    conversation_id: conversation,
  })
}

const RETRY_MS = 2000
