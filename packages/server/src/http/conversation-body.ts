import type { Answer } from '@claude-proxy/protocol/endpoints'
import { approvalBody } from './approvals.ts'
import type { Conversation, ConversationState } from '../core/ports/conversation.ts'
import { attachmentMarks } from '../core/attachments/marks.ts'
import type { Prompt } from '../core/ports/prompt.ts'
import { conversationUnknown } from '../core/conversations.ts'
import type { Store } from '../core/ports/store.ts'
import { accountBody, settingsBody, upToNow } from './account-body.ts'
import type { RoutesDeps } from './routes.ts'
import { timestamp } from '../core/timestamp.ts'

/** A conversation as a list shows it. */
export async function summary(store: Store, conversation: Conversation): Promise<Answer<'Conversation'>> {
  const open = await store.openRun(conversation.folder)
  const isRunning = open?.conversation === conversation.id
  const waiting = await store.approvals({ conversation: conversation.id, isPending: true, limit: 1 })
  const error = await store.lastError(conversation.id)
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
    created_at: timestamp(conversation.createdAt),
    active_at: timestamp(conversation.activeAt),
    last_error: error ? { code: error.code, message: error.message, run_id: error.run, at: timestamp(error.at) } : null,
  }
}

export type DetailsDeps = Pick<RoutesDeps, 'store' | 'host' | 'settings' | 'version' | 'sdkVersion'>

/** A conversation with all that waits in it, what it is set to and what it has come to. Starts no agent. */
export async function details(
  { store, host, settings, version, sdkVersion }: DetailsDeps,
  conversation: Conversation,
): Promise<Answer<'ConversationDetails'>> {
  const [approvals, queued, account] = await Promise.all([
    store.approvals({ conversation: conversation.id, isPending: true, limit: 100 }),
    store.queuedPrompts(conversation.folder),
    store.account(conversation.id),
  ])
  if (!account) throw conversationUnknown(conversation.id)
  const inFolder = host.underWay(conversation.folder)
  const underWay = inFolder?.run.conversation === conversation.id ? inFolder : undefined
  const now = upToNow(account, underWay)
  const own = queued.filter((prompt) => prompt.conversation === conversation.id)
  return {
    ...(await summary(store, conversation)),
    approvals: approvals.map((each) => approvalBody(each)),
    queue: own.map(waitingPrompt),
    ...settingsBody(settings.of(conversation), now.facts, underWay !== undefined),
    ...accountBody(now),
    versions: { service: version, agent_sdk: sdkVersion ?? null, claude_code: now.facts.version ?? null },
  }
}

function waitingPrompt({ id, text, attachments, at }: Prompt) {
  return { prompt_id: id, text, ...attachmentMarks(attachments), created_at: timestamp(at) }
}
