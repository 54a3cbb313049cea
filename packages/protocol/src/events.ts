/**
 * The payload of an event: one JSON object with a `type`. There is one form of it, made before the event is
 * numbered; every reader gets the same bytes (PROTOCOL.md section 4).
 */
export type EventPayload = { type: string; [field: string]: unknown }

/** The terminal event of a run: exactly one ends it. `result` is always a sentence a person can read. */
export type ResultPayload = EventPayload & {
  type: 'result'
  subtype: string
  is_error: boolean
  result: string
}

/**
 * The first event of a run that a person began: the prompt, as the agent's own user messages look. `more`: that it
 * has waited, that it steers a run that is under way, or what came with it.
 */
export function promptEvent(text: string, timestamp: string, more: PromptMarks = {}): EventPayload {
  return { type: 'user', message: { role: 'user', content: [{ type: 'text', text }] }, ...more, timestamp }
}

export interface PromptMarks {
  /** By what the agent knows the prompt, and so where its session can be cut. */
  readonly uuid?: string
  readonly prompt_id?: string
  readonly steer?: true
  readonly attachments?: readonly AttachmentMark[]
}

/** What the agent can look at. */
export type MediaType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp' | 'application/pdf' | 'text/plain'

/** What an event says of something that came with a prompt. Its bytes are not in the log (PROTOCOL.md section 3.17). */
export interface AttachmentMark {
  readonly attachment_id: string
  readonly name: string | null
  readonly media_type: MediaType
  readonly bytes: number
  readonly width?: number
  readonly height?: number
}

/** What becomes of a prompt that does not begin at once. */
export function queueEvent(
  subtype: 'prompt_queued' | 'prompt_edited' | 'prompt_cancelled' | 'prompt_steered',
  promptId: string,
  timestamp: string,
  more: object = {},
): EventPayload {
  return { type: 'system', subtype, prompt_id: promptId, ...more, timestamp }
}

/** One setting of a conversation that has changed; null: the default. */
export interface SettingChange {
  readonly setting: 'model' | 'effort' | 'permission_mode'
  readonly from: string | null
  readonly to: string | null
  readonly takes_effect: 'now' | 'next_run'
}

/** A conversation's settings have changed. `by`: a client by the name it gives itself, `agent` or `service`. */
export function settingsChangedEvent(
  changes: readonly SettingChange[],
  by: string,
  timestamp: string,
  content?: string,
): EventPayload {
  return { type: 'system', subtype: 'settings_changed', changes, by, ...(content && { content }), timestamp }
}

/** The terminal event of a run that somebody stopped before an agent had it. */
export function interruptedResult(because: string, timestamp: string): ResultPayload {
  return errorResult('interrupted', because, timestamp)
}

/** A terminal event that says that somebody stopped the run, whatever words the agent has for it. */
export function asInterrupted(result: ResultPayload, because: string): ResultPayload {
  return {
    ...result,
    subtype: 'interrupted',
    is_error: true,
    result: because,
    ...('errors' in result && { errors: [because] }),
  }
}

/** The budget of the day is spent, by this run or by others: it is interrupted. */
export function budgetEvent(content: string, timestamp: string): EventPayload {
  return { type: 'system', subtype: 'budget_exhausted', content, timestamp }
}

/** The first event of a run that the agent began by itself, because something in its background woke it. */
export function wokenEvent(timestamp: string): EventPayload {
  return { type: 'system', subtype: 'run_begun_by_agent', timestamp }
}

/** The event after the history of a session that was begun without this service. */
export function adoptedEvent(sessionId: string, events: number, timestamp: string): EventPayload {
  const content = 'This conversation was begun without this service; it goes on here.'
  return {
    type: 'system',
    subtype: 'session_adopted',
    session_id: sessionId,
    adopted_events: events,
    content,
    timestamp,
  }
}

/** The event after the history that a conversation has from another. `session`: the agent's own copy of it. */
export function forkedEvent(from: ForkOrigin, timestamp: string): EventPayload {
  const { conversation, event, session = null } = from
  const content = `This conversation has the events of ${conversation} up to ${event}; from here on it is its own.`
  const origin = { from_conversation_id: conversation, from_event: event, session_id: session }
  return { type: 'system', subtype: 'forked', ...origin, content, timestamp }
}

export interface ForkOrigin {
  readonly conversation: string
  readonly event: number
  readonly session: string | undefined
}

/** Tells that files were put back as they were at the prompt with this number. */
export function rewoundEvent(to: number, changes: FileChanges, timestamp: string): EventPayload {
  return { type: 'system', subtype: 'files_rewound', to, ...changes, timestamp }
}

/** Files by their absolute paths, and how many lines are added to them and taken from them, together. */
export interface FileChanges {
  readonly files: readonly string[]
  readonly insertions: number
  readonly deletions: number
}

/** The terminal event of a run that the service has to close itself. `subtype` says why. */
export function errorResult(subtype: string, sentence: string, timestamp: string, more: object = {}): ResultPayload {
  return {
    type: 'result',
    subtype,
    duration_ms: 0,
    duration_api_ms: 0,
    is_error: true,
    num_turns: 0,
    result: sentence,
    errors: [sentence],
    ...more,
    timestamp,
  }
}

/** Not an event: the only line of a replay that has to start over under another id (PROTOCOL.md section 6). */
export function switchedNotice(canonical: string, previous: string, cwd: string): EventPayload {
  return { type: 'proxy_session', event: 'switched', canonical_id: canonical, previous_id: previous, cwd }
}
