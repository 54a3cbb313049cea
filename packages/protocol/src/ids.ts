// Only its types: what the service's every file needs must not load it.
import type { z } from 'zod'

/** What a conversation id may look like. A client chooses it; it becomes part of URLs. */
export const CONVERSATION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** A conversation's id, checked. */
export type ConversationId = string & z.$brand<'ConversationId'>

export function isConversationId(text: string): text is ConversationId {
  return CONVERSATION_ID.test(text)
}

/** The id of one run: 32 hex digits. */
export type RunId = string & { readonly __brand: 'RunId' }

/** What the agent calls the prompt of a run: the run's id, written as a UUID. */
export function promptUuid(run: RunId): string {
  return run.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * What the agent calls a prompt that steers another run. Not what it would be called as a run of its own: an agent passes
 * over what it has seen, and what a turn has not taken comes once more.
 */
export function steeringUuid(prompt: RunId): string {
  return promptUuid(Array.from(prompt).toReversed().join('') as RunId)
}

/** The id of one question of the agent's to a person: 32 hex digits. */
export type ApprovalId = string & { readonly __brand: 'ApprovalId' }

/** The id of something that came with a prompt, or will: 32 hex digits. */
export type AttachmentId = string & { readonly __brand: 'AttachmentId' }

/** The real path of a folder: absolute, no links, no trailing slash. One run at a time works in it. */
export type Folder = string & { readonly __brand: 'Folder' }
