import { expect } from 'vitest'
import { type Answer, call, replay } from '../support/client.ts'
import type { TestService } from '../support/service.ts'
import { textsOf } from '../http/calls.ts'

const PATIENCE = { timeout: 60_000, interval: 20 }

/** What `GET /v1/sessions` says of a folder. */
export async function list(service: TestService, cwd: string): Promise<Record<string, unknown>[]> {
  const answer = await call(`${service.base}/v1/sessions?cwd=${encodeURIComponent(cwd)}`)
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.json?.['sessions'] as Record<string, unknown>[]
}

/** Makes a conversation of a session. */
export function adopt(service: TestService, cwd: string, session: unknown): Promise<Answer> {
  return call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd, adopt: session } })
}

/** Begins a conversation; its id. */
export async function newConversation(service: TestService, cwd: string, title?: string): Promise<string> {
  const answer = await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd, title } })
  return String(answer.json?.['conversation_id'])
}

/** Forks a conversation. */
export function fork(service: TestService, id: string, body: object = {}): Promise<Answer> {
  return call(`${service.base}/v1/conversations/${id}/fork`, { method: 'POST', body })
}

/** Has files put back. */
export function rewind(service: TestService, id: string, body: object): Promise<Answer> {
  return call(`${service.base}/v1/conversations/${id}/rewind`, { method: 'POST', body })
}

/** Sends a prompt, and waits until its run is over. */
export async function say(service: TestService, id: string, text: string, more: object = {}): Promise<void> {
  const url = `${service.base}/v1/conversations/${id}`
  const body = { text, allowed_tools: ['Bash', 'Write', 'Read', 'Edit'], ...more }
  const sent = await call(`${url}/messages`, { method: 'POST', body })
  if (sent.status !== 202) throw new Error(sent.text)
  await expect.poll(async () => (await call(url)).json?.['state'], PATIENCE).toBe('idle')
}

/** The words of the last run. */
export async function lastSaid(service: TestService, id: string): Promise<string> {
  const events = await replay(service.base, id)
  const prompt = events.findLastIndex(({ event }) => event.type === 'user' && !('parent_tool_use_id' in event))
  return textsOf(events.slice(prompt)).join('\n')
}
