import { type Answer, call, type Received, type Stream } from '../support/client.ts'

/** The doors of the service as a test knocks on them. */

/** The names that all readers of events need; `base` changes when a service restarts. */
export interface At {
  readonly base: string
}

export function post(service: At, path: string, body: object | string, headers = {}): Promise<Answer> {
  return call(`${service.base}${path}`, { method: 'POST', body, headers })
}

/** `POST /v1/agent/stream`, read to its end as text: for what is refused. */
export function postStream(service: At, body: object | string, headers = {}): Promise<Answer> {
  return post(service, '/v1/agent/stream', body, headers)
}

export function canonical(service: At, cwd: string): Promise<Answer> {
  return call(`${service.base}/v1/conversations/canonical?cwd=${encodeURIComponent(cwd)}`)
}

export function activate(service: At, id: string, cwd: string): Promise<Answer> {
  return post(service, '/v1/conversations/activate', { conversation_id: id, cwd })
}

/** `GET /v1/conversations/{id}/events` with `query` as it is. */
export function events(service: At, id: string, query = ''): Promise<Answer> {
  return call(`${service.base}/v1/conversations/${id}/events${query}`)
}

/** The id of the permission request that a stream comes to. */
export async function questionOf(stream: Stream): Promise<string> {
  const { event } = await stream.until((each) => each.event.type === 'tool_permission')
  return String(event['permission_id'])
}

/** Answers a permission request. */
export function decide(service: At, id: string, cwd: string, permission: string, more: object): Promise<Answer> {
  return post(service, '/v1/agent/tool_permission', { conversation_id: id, cwd, permission_id: permission, ...more })
}

/** All that was said in events of `type`, in order. */
export function textsOf(received: readonly Received[], type: 'assistant' | 'user' = 'assistant'): string[] {
  return blocksOf(received, type).flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : []))
}

/** The results of tools, in order: what they said, and whether that is an error. */
export function toolResultsOf(received: readonly Received[]): { content: unknown; is_error: unknown }[] {
  return blocksOf(received, 'user').flatMap(({ type, content, is_error }) =>
    type === 'tool_result' ? [{ content, is_error }] : [],
  )
}

/** The terminal events. */
export function resultsOf(received: readonly Received[]): Received[] {
  return received.filter(({ event }) => event.type === 'result')
}

interface Block {
  readonly type: string
  readonly text?: string
  readonly content?: unknown
  readonly is_error?: unknown
}

function blocksOf(received: readonly Received[], type: string): Block[] {
  const messages = received.filter(({ event }) => event.type === type).map(({ event }) => event['message'])
  return messages.flatMap((message) => (message as { content: Block[] }).content)
}

/** `POST /v1/conversations/{id}/interrupt`, as `curl -X POST` sends it when there is no scope. */
export function interrupt(service: At, id: string, scope?: 'turn' | 'all'): Promise<Answer> {
  const url = `${service.base}/v1/conversations/${id}/interrupt`
  return call(url, { method: 'POST', ...(scope !== undefined && { body: { scope } }) })
}

/** The texts of the conversation's queue, in order, by the ids of the prompts. */
export async function queueOf(service: At, id: string): Promise<{ prompt_id: string; text: string }[]> {
  const { json } = await call(`${service.base}/v1/conversations/${id}/queue`)
  return (json as { prompts: { prompt_id: string; text: string }[] }).prompts
}

/** A door of one prompt. */
export function atPrompt(service: At, method: 'PATCH' | 'DELETE', prompt: string, body?: object): Promise<Answer> {
  return call(`${service.base}/v1/queue/${prompt}`, { method, ...(body !== undefined && { body }) })
}

/** `POST /v1/uploads`, as curl sends a file. */
export function upload(service: At, bytes: Buffer | string, name?: string, headers = {}): Promise<Answer> {
  const query = name === undefined ? '' : `?name=${encodeURIComponent(name)}`
  return post(service, `/v1/uploads${query}`, bytes, headers)
}

/** The id of what was uploaded, for a prompt. */
export async function uploaded(service: At, bytes: Buffer | string, name?: string): Promise<string> {
  const { status, text, json } = await upload(service, bytes, name)
  if (status !== 200) throw new Error(`${status}: ${text}`)
  return String(json?.['upload_id'])
}

/** The bytes of an attachment, as they are given back. */
export async function download(service: At, id: string, headers = {}): Promise<Response & { content: Buffer }> {
  const response = await fetch(`${service.base}/v1/uploads/${id}`, { headers })
  return Object.assign(response, { content: Buffer.from(await response.arrayBuffer()) })
}

/** What an event says came with its prompt. */
export function marksOf({ event }: Received): { attachment_id: string; [fact: string]: unknown }[] {
  return (event['attachments'] ?? []) as { attachment_id: string }[]
}

/** The id that the answer gives to the prompt and its run. */
export function runIdOf({ headers }: Pick<Stream, 'headers'>): string {
  return String(headers['x-proxy-run-id'])
}
