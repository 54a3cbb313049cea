import type { EventPayload, ResultPayload } from '@claude-proxy/protocol/events'
import type { Attached, Job } from '../../core/ports/agent.ts'

/** What the scripted agent says, in the form of Claude Code's own messages. */

export function text(words: string, sessionId: string, timestamp: string): { kind: 'event'; payload: EventPayload } {
  return { kind: 'event', payload: message('assistant', [{ type: 'text', text: words }], sessionId, timestamp) }
}

/** What came with a prompt, with how much of it there is to read. */
export async function listOf(attached: readonly Attached[]): Promise<string> {
  const each = async ({ name, mediaType, read }: Attached) =>
    `${name ?? 'without a name'} (${mediaType}, ${(await read()).length} bytes)`
  return `Attached: ${(await Promise.all(attached.map(each))).join(', ')}`
}

export function message(
  role: 'assistant' | 'user',
  content: object[],
  sessionId: string,
  timestamp: string,
): EventPayload {
  return {
    type: role,
    message: role === 'assistant' ? { role, model: 'scripted', content } : { role, content },
    parent_tool_use_id: null,
    session_id: sessionId,
    timestamp,
  }
}

export function initEvent(job: Job, sessionId: string, timestamp: string): EventPayload {
  return {
    type: 'system',
    subtype: 'init',
    cwd: job.folder,
    session_id: sessionId,
    tools: ['Bash'],
    model: 'scripted',
    permissionMode: job.options.permissionMode ?? 'default',
    agent: 'scripted: no process, no model; it obeys directives in the prompt',
    timestamp,
  }
}

export function success(sessionId: string, timestamp: string): ResultPayload {
  return {
    type: 'result',
    subtype: 'success',
    duration_ms: 0,
    duration_api_ms: 0,
    is_error: false,
    num_turns: 1,
    session_id: sessionId,
    total_cost_usd: 0,
    result: 'The script has ended.',
    timestamp,
  }
}
