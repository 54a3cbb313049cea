import { expect } from 'vitest'
import { call, type Received, replay, type Stream, stream, streamAll } from '../support/client.ts'
import { PATIENCE, type Program } from './program.ts'

/** A conversation as its client sees it, over restarts of the program. */
export interface Conversation {
  readonly id: string
  readonly cwd: string
}

/** Sends a prompt; the agent may use its tools unasked. */
export function prompt(program: Program, { id, cwd }: Conversation, text: string, more: object = {}): Promise<Stream> {
  const tools = { allowed_tools: ['Bash', 'Agent', 'Write'] }
  return stream(program.base, { conversation_id: id, cwd, text, ...tools, ...more })
}

/** Reads from the last event on, until the service ends the stream. */
export function comeBack(program: Program, { id, cwd }: Conversation, last: number): Promise<readonly Received[]> {
  return streamAll(program.base, { conversation_id: id, cwd }, last)
}

/** The whole transcript, when it holds `count` terminal results. */
export async function transcript(program: Program, { id }: Conversation, count: number): Promise<readonly Received[]> {
  let events: readonly Received[] = []
  const results = async () => {
    events = await replay(program.base, id)
    return events.filter(isResult).length
  }
  await expect.poll(results, PATIENCE).toBe(count)
  return events
}

export function isResult({ event }: Received): boolean {
  return event.type === 'result'
}

export function isTurnResult({ event }: Received): boolean {
  return event.type === 'system' && event.subtype === 'turn_result'
}

export function isBegunByAgent({ event }: Received): boolean {
  return event.type === 'system' && event.subtype === 'run_begun_by_agent'
}

/** The name of the first tool that the event calls. */
export function toolCalled({ event }: Received): string | undefined {
  const { content } = (event['message'] ?? {}) as { content?: { type: string; name?: string }[] }
  return content?.find(({ type }) => type === 'tool_use')?.name
}

/** Every event of `seen` has kept its number and its bytes. */
export function expectKept(seen: readonly Received[], stored: readonly Received[]): void {
  for (const { id, data } of seen) expect({ id, data: stored[id - 1]?.data }).toEqual({ id, data })
}

/** Every run has one terminal result, at its end, and nothing lies between the runs. */
export function expectWholeRuns(stored: readonly Received[], count: number): void {
  const ends = stored.flatMap((received, n) => (isResult(received) ? [n] : []))
  expect(ends).toHaveLength(count)
  expect(ends.at(-1)).toBe(stored.length - 1)
  for (const begin of [0, ...ends.slice(0, -1).map((end) => end + 1)]) {
    const first = stored[begin]
    expect(first?.event.type === 'user' || (first && isBegunByAgent(first))).toBe(true)
  }
}

export async function isHealthy(base: string): Promise<boolean> {
  return call(`${base}/healthz`).then(
    ({ status }) => status === 200,
    () => false,
  )
}
