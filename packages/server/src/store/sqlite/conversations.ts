import type { ConversationId, Folder } from '@claude-proxy/protocol/ids'
import { AppError } from '@claude-proxy/protocol/errors'
import type { Conversation, ConversationFacts, Resolved } from '../../core/ports/conversation.ts'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'

export interface ConversationRow {
  /** The key inside the database; it never leaves the store. */
  readonly c: number
  readonly id: ConversationId
  readonly folder: Folder
  readonly cwd: string
  readonly grp: string | null
  readonly session_id: string | null
  readonly head: number
  readonly created_at: number
  readonly updated_at: number
  readonly title: string | null
  readonly archived: number
  readonly active_at: number
  readonly tags: string
  readonly settings: string | null
}

export type ConversationReads = ReturnType<typeof readConversations>

/** Finding conversations by id, by folder, and by any name. */
export function readConversations(db: Database) {
  const byId = db.prepare<ConversationRow>('SELECT * FROM conversation WHERE id = ? AND deleted = 0')
  const deleted = db.prepare('SELECT 1 FROM conversation WHERE id = ? AND deleted = 1')
  const canonical = db.prepare<ConversationRow>(
    'SELECT conversation.* FROM folder JOIN conversation ON c = canonical WHERE path = ?',
  )
  const aliasFolder = db.prepare<{ folder: Folder }>('SELECT folder FROM alias WHERE id = ?')
  const own = 'FROM conversation WHERE id = ?1 AND deleted = 0'
  // imported history may lie in a folder that has no conversation yet: then it stands for itself
  const byName = db.prepare<ConversationRow>(`
    SELECT * FROM conversation WHERE c = coalesce(
      (SELECT canonical FROM folder WHERE path = coalesce((SELECT folder ${own}), (SELECT folder FROM alias WHERE id = ?1))),
      (SELECT c ${own}))`)

  return {
    byId: (id: ConversationId) => byId.get(id),
    canonical: (folder: Folder) => canonical.get(folder),
    /** Whether it was a conversation, or led to one, that is deleted now. */
    wasDeleted: (name: ConversationId): boolean => deleted.get(name) !== undefined,
    /** The folder a name is bound to, as a conversation or as an alias. */
    folderOf: (name: ConversationId) => byId.get(name)?.folder ?? aliasFolder.get(name)?.folder,
    resolve(name: ConversationId): Resolved | undefined {
      const row = byName.get(name)
      return row && { conversation: toConversation(row), isOwn: row.id === name }
    },
  }
}

export interface NewConversation {
  readonly id: ConversationId
  readonly folder: Folder
  readonly cwd: string
  readonly group: string | undefined
  readonly at: number
}

export type ConversationWrites = ReturnType<typeof writeConversations>

/** Changing single facts about conversations; what may be changed when is decided by the callers. */
export function writeConversations(db: Database, { wasDeleted }: Pick<ConversationReads, 'wasDeleted'>) {
  const insert = db.prepare<ConversationRow>(
    `INSERT INTO conversation (id, folder, cwd, grp, created_at, updated_at, active_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5) RETURNING *`,
  )
  const point = db.prepare(
    'INSERT INTO folder (path, canonical) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET canonical = excluded.canonical',
  )
  const insertAlias = db.prepare('INSERT INTO alias (id, folder) VALUES (?, ?)')
  const deleteAlias = db.prepare('DELETE FROM alias WHERE id = ?')
  const setGroup = db.prepare('UPDATE conversation SET grp = ?, updated_at = ? WHERE c = ?')

  return {
    /** A new conversation; a name that was an alias stops being one. */
    create(input: NewConversation): number {
      if (wasDeleted(input.id)) throw deletedConversation(input.id)
      deleteAlias.run(input.id)
      const row = insert.get(input.id, input.folder, input.cwd, input.group ?? null, input.at)
      return certain(row, 'a row that was just stored').c
    },
    makeCanonical: (folder: Folder, c: number) => point.run(folder, c),
    addAlias(id: ConversationId, folder: Folder): void {
      if (wasDeleted(id)) throw deletedConversation(id)
      insertAlias.run(id, folder)
    },
    /** Sets the group if one is given. */
    setGroup(c: number, group: string | undefined, at: number): void {
      if (group !== undefined) setGroup.run(group, at, c)
    },
  }
}

/** Changes of a conversation that are operations by themselves. */
export function conversationOperations(db: Database, reads: ConversationReads, writes: ConversationWrites) {
  const change = db.prepare<ConversationRow>(
    `UPDATE conversation SET title = coalesce(?, title), archived = coalesce(?, archived), tags = coalesce(?, tags)
     WHERE id = ? AND deleted = 0 RETURNING *`,
  )
  const dropTags = db.prepare('DELETE FROM tagged WHERE c = ?')
  const addTag = db.prepare('INSERT INTO tagged (c, tag, active_at) VALUES (?, ?, ?)')
  const setSession = db.prepare('UPDATE conversation SET session_id = ?, updated_at = ? WHERE id = ? AND deleted = 0')

  function changeConversation({ id, title, isArchived, tags }: ConversationChange): Conversation | undefined {
    const archived = isArchived === undefined ? null : Number(isArchived)
    const row = change.get(title ?? null, archived, tags ? JSON.stringify(tags) : null, id)
    if (row === undefined || tags === undefined) return row && toConversation(row)
    dropTags.run(row.c)
    for (const tag of tags) addTag.run(row.c, tag, row.active_at)
    return toConversation(row)
  }

  return {
    createConversation(input: ConversationToCreate): Conversation | undefined {
      const { id, title, tags } = input
      if (reads.folderOf(id) !== undefined || reads.wasDeleted(id)) return undefined
      writes.create({ ...input, group: undefined })
      return changeConversation({ id, title, tags })
    },
    changeConversation,
    setSession({ id, sessionId, at }: { id: ConversationId; sessionId: string; at: number }): void {
      if (setSession.run(sessionId, at, id).changes === 1) return
      throw new AppError('conversation_unknown', `There is no conversation ${id}.`)
    },
  }
}

interface ConversationToCreate extends Omit<NewConversation, 'group'> {
  readonly title: string | undefined
  readonly tags: readonly string[] | undefined
}

interface ConversationChange extends ConversationFacts {
  readonly id: ConversationId
}

function deletedConversation(id: ConversationId): AppError {
  return new AppError('conversation_unknown', `Conversation ${id} was deleted.`, { conversation_id: id, reset: true })
}

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    folder: row.folder,
    cwd: row.cwd,
    group: row.grp ?? undefined,
    sessionId: row.session_id ?? undefined,
    head: row.head,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    title: row.title ?? undefined,
    isArchived: row.archived === 1,
    activeAt: row.active_at,
    tags: JSON.parse(row.tags),
    settings: row.settings === null ? undefined : JSON.parse(row.settings),
  }
}
