import { AppError } from '@claude-proxy/protocol/errors'
import { certain } from '../../core/certain.ts'
import type { Activated, Conversation } from '../../core/ports/conversation.ts'
import {
  toConversation,
  type ConversationReads,
  type ConversationWrites,
  type NewConversation,
} from './conversations.ts'
import type { RunReads } from './runs.ts'

/** Which conversation a folder has, and how it gets another one. */
export function folderOperations(reads: ConversationReads, writes: ConversationWrites, runs: RunReads) {
  return {
    ensureCanonical(input: NewConversation): { conversation: Conversation; created: boolean } {
      const there = reads.canonical(input.folder)
      const known = there ?? reads.byId(input.id)
      if (there === undefined) {
        const folder = reads.folderOf(input.id)
        if (folder !== undefined && folder !== input.folder) throw elsewhere(input, folder)
      }
      const c = known?.c ?? writes.create(input)
      if (there === undefined) writes.makeCanonical(input.folder, c)
      if (known !== undefined) writes.setGroup(c, input.group, input.at)
      const row = certain(reads.canonical(input.folder), 'the conversation of a folder that just got one')
      return { conversation: toConversation(row), created: known === undefined }
    },

    activate(input: NewConversation): Activated {
      const folder = reads.folderOf(input.id)
      if (folder !== undefined && folder !== input.folder) return { status: 'elsewhere', folder }
      const previous = reads.canonical(input.folder)
      const known = reads.byId(input.id)
      const isAlready = known !== undefined && known.c === previous?.c
      const run = isAlready ? undefined : runs.openRun(input.folder)
      if (run !== undefined) return { status: 'busy', run }
      const c = known?.c ?? writes.create(input)
      if (!isAlready) writes.makeCanonical(input.folder, c)
      writes.setGroup(c, input.group, input.at)
      return { status: 'activated', previous: previous?.id }
    },
  }
}

function elsewhere(input: NewConversation, folder: string): AppError {
  return new AppError('conversation_cwd_mismatch', `Conversation ${input.id} belongs to ${folder}.`, { folder })
}
