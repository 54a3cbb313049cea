import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isResult, linesOf, runsOf, type Seen, type Told } from './truth.ts'
import { type Body, type Heard, readSse } from './wire.ts'

/** A prompt and all that was acknowledged of it: its acceptance, and the events that its reader has seen. */
export interface Sent {
  readonly body: Body
  readonly seen: Seen[]
  /** When the stream is over: 200 means that the prompt was accepted. */
  readonly heard: Promise<Heard>
}

/** Sends a prompt, with a folder of its own that is named for the conversation, and reads to the end or to the break. */
export async function send(base: string, scratch: string, conversation_id: string, text: string): Promise<Sent> {
  const cwd = join(scratch, 'work', conversation_id)
  await mkdir(cwd, { recursive: true })
  const seen: Seen[] = []
  const body = { conversation_id, cwd, text, allowed_tools: ['Bash'] }
  const heard = readSse(base, body, undefined, (id, data) => seen.push({ id, data }), { silenceMs: 120_000 })
  return { body, seen, heard }
}

/** Sends a prompt and waits for its result. Throws when there is none. */
export async function tell(base: string, scratch: string, conversation: string, text: string): Promise<Told> {
  const sent = await send(base, scratch, conversation, text)
  const { status, text: answer } = await sent.heard
  if (!isResult(sent.seen.at(-1)?.data))
    throw new Error(`${conversation}: ${status} ${answer}, and event ${sent.seen.at(-1)?.id} as the last`)
  const told = runsOf(conversation, await linesOf(base, conversation)).at(-1)
  if (told === undefined) throw new Error(`${conversation} has no run`)
  return told
}

/** A prompt that has to succeed: the service is well. */
export async function checkWell(base: string, scratch: string, conversation: string): Promise<void> {
  const { result } = await tell(base, scratch, conversation, 'Are you well?')
  if (result.is_error) throw new Error(`the service is not well again: ${result.result}`)
}
