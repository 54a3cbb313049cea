import { expect } from 'vitest'
import { type Answer, call, type Received } from '../support/client.ts'
import { type At, post } from './calls.ts'

/** A conversation by its own id, as a client holds it. */

export const PATIENCE = { timeout: 30_000, interval: 20 }
const DOOR = '/v1/conversations'

export type Shown = {
  state: string
  title: string | null
  runs: number
  cost_usd: number | null
  usage: Record<string, number>
  context: { tokens: number; window: number; percent: number } | null
  last_error: { code: string; message: string; run_id: string; at: string } | null
  versions: Record<string, string | null>
  model: Setting
  effort: Setting
  permission_mode: Setting
}
interface Setting {
  readonly asked: string | null
  readonly in_use: string | null
}

/** A new conversation in a new folder. */
export async function made(service: At & { folder(): string }, cwd: string = service.folder()): Promise<string> {
  const answer = await post(service, DOOR, { cwd })
  expect(answer.status).toBe(200)
  return String(answer.json?.['conversation_id'])
}

export async function show(service: At, id: string): Promise<Shown> {
  const answer = await call(`${service.base}${DOOR}/${id}`)
  expect(answer.status).toBe(200)
  return answer.json as Shown
}

export function change(service: At, id: string, body: object, headers = {}): Promise<Answer> {
  return call(`${service.base}${DOOR}/${id}`, { method: 'PATCH', body, headers })
}

export async function send(service: At, id: string, text: string, more: object = {}): Promise<Answer> {
  const sent = await post(service, `${DOOR}/${id}/messages`, { text, ...more })
  expect(sent.status).toBe(202)
  return sent
}

/** Sends a prompt and waits until nothing runs any more. */
export async function run(service: At, id: string, text: string, more: object = {}): Promise<Shown> {
  await send(service, id, text, more)
  return atRest(service, id)
}

export async function atRest(service: At, id: string): Promise<Shown> {
  await expect.poll(async () => (await show(service, id)).state, PATIENCE).toBe('idle')
  return show(service, id)
}

/** All its events. */
export async function history(service: At, id: string): Promise<Received[]> {
  const { text } = await call(`${service.base}${DOOR}/${id}/history`)
  const lines = text.split('\n').slice(0, -1)
  return lines.map((data, n) => ({ id: n + 1, data, event: JSON.parse(data) }))
}

/** Its events of this subtype. */
export async function told(service: At, id: string, subtype: string): Promise<Received['event'][]> {
  return (await history(service, id)).map(({ event }) => event).filter((event) => event.subtype === subtype)
}

/** The question that its agent waits with. */
export async function asked(service: At, id: string): Promise<string> {
  const pending = async () => (await call(`${service.base}/v1/approvals?conversation_id=${id}`)).json?.['approvals']
  await expect.poll(pending, PATIENCE).toHaveLength(1)
  const [question] = (await pending()) as { approval_id: string }[]
  return question?.approval_id ?? ''
}

export function allow(service: At, approval: string): Promise<Answer> {
  return post(service, `/v1/approvals/${approval}`, { behavior: 'allow' })
}
