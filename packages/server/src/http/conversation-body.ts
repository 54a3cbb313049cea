import type { Answer } from '@claude-proxy/protocol/endpoints'
import { approvalBody } from './approvals.ts'
import type { Conversation, ConversationState } from '../core/ports/conversation.ts'
import { attachmentMarks } from '../core/attachments/marks.ts'
import type { Prompt } from '../core/ports/prompt.ts'
import type { Store } from '../core/ports/store.ts'

/** A conversation as a list shows it. */
export async function summary(store: Store, conversation: Conversation): Promise<Answer<'Conversation'>> {
  const open = await store.openRun(conversation.folder)
  const isRunning = open?.conversation === conversation.id
  const waiting = await store.approvals({ conversation: conversation.id, isPending: true, limit: 1 })
  const state: ConversationState = waiting.length > 0 ? 'waiting' : isRunning ? 'running' : 'idle'
  return {
    conversation_id: conversation.id,
    cwd: conversation.folder,
    title: conversation.title ?? null,
    tags: conversation.tags,
    archived: conversation.isArchived,
    state,
    run_id: isRunning ? open.id : null,
    head: conversation.head,
    created_at: time(conversation.createdAt),
    active_at: time(conversation.activeAt),
  }
}

/** A conversation with all that waits in it. */
export async function details(store: Store, conversation: Conversation): Promise<Answer<'ConversationDetails'>> {
  const [approvals, queued] = await Promise.all([
    store.approvals({ conversation: conversation.id, isPending: true, limit: 100 }),
    store.queuedPrompts(conversation.folder),
  ])
  const own = queued.filter((prompt) => prompt.conversation === conversation.id)
  return {
    ...(await summary(store, conversation)),
    approvals: approvals.map((each) => approvalBody(each)),
    queue: own.map(waitingPrompt),
  }
}

function waitingPrompt({ id, text, attachments, at }: Prompt) {
  return { prompt_id: id, text, ...attachmentMarks(attachments), created_at: time(at) }
}

function time(at: number): string {
  return new Date(at).toISOString()
}
