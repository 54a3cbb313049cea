import { ClaudeProxyError, newId } from '@claude-proxy/client'
import type { Answer } from '@claude-proxy/protocol/endpoints'
import { effect, signal } from '@preact/signals'
import { connection } from './conversations.ts'
import { client, isLocked, sentenceOf } from './service.ts'

export type Upload = Answer<'Upload'>
export type WhenBusy = 'queue' | 'steer' | 'interrupt'

/** A prompt on its way. The page keeps it until the service has it: through lost connections, and through a reload. */
export interface Outgoing {
  /** By this the service knows it again: it is one prompt, however often it has to be sent. */
  readonly key: string
  readonly conversation: string
  readonly text: string
  readonly whenBusy: WhenBusy
  readonly uploads: readonly Upload[]
  /** Unix time in ms. */
  readonly at: number
  /** Why it does not go by itself. */
  readonly refused?: string | undefined
}

/** What is on its way, in the order in which it was sent. */
export const outbox = signal<readonly Outgoing[]>([])

const PLACE = 'outgoing '
const AGAIN_MS = 5000
/** The service knows a prompt again for two days (PROTOCOL.md 3.8). */
const KNOWN_MS = 47 * 3_600_000

/** Sends a prompt after those that are already on their way to this conversation. */
export function post(prompt: Pick<Outgoing, 'conversation' | 'text' | 'whenBusy' | 'uploads'>): void {
  keep({ ...prompt, at: Date.now(), key: newId() })
  void deliver(prompt.conversation)
}

/** Sends what was refused once more. */
export function sendAgain(prompt: Outgoing): void {
  keep({ ...prompt, at: Date.now(), refused: undefined })
  void deliver(prompt.conversation)
}

/** Takes it off. For what was refused: of all else nobody knows whether the service has it. */
export function takeBack({ key }: Outgoing): void {
  localStorage.removeItem(PLACE + key)
  outbox.value = outbox.value.filter((each) => each.key !== key)
}

/** Goes on with what an earlier page has left. */
export function resumeOutbox(): void {
  for (const name of Object.keys(localStorage)) {
    if (!name.startsWith(PLACE)) continue
    const prompt = JSON.parse(localStorage.getItem(name) ?? '') as Outgoing
    const isOld = prompt.refused === undefined && Date.now() - prompt.at > KNOWN_MS
    keep(isOld ? { ...prompt, refused: 'This may have been sent long ago. Look above first.' } : prompt)
  }
  outbox.value = outbox.value.toSorted((a, b) => a.at - b.at)
  for (const conversation of new Set(outbox.value.map((each) => each.conversation))) void deliver(conversation)
}

const delivering = new Set<string>()

/** One after the other, so that they arrive as they were sent. */
async function deliver(conversation: string): Promise<void> {
  if (delivering.has(conversation)) return
  delivering.add(conversation)
  for (;;) {
    const next = outbox.value.find((each) => each.conversation === conversation)
    if (next === undefined || next.refused !== undefined) break
    await attempt(next)
  }
  delivering.delete(conversation)
}

async function attempt(prompt: Outgoing): Promise<void> {
  try {
    await client.send(prompt.conversation, {
      text: prompt.text,
      when_busy: prompt.whenBusy,
      client_message_id: prompt.key,
      can_answer: ['question', 'plan', 'elicitation'],
      ...(prompt.uploads.length > 0 && { attachments: prompt.uploads.map(({ upload_id }) => ({ upload_id })) }),
    })
    takeBack(prompt)
  } catch (error) {
    const known = error instanceof ClaudeProxyError ? error : undefined
    // An earlier release of this page has sent it, with other words around it.
    if (known?.code === 'idempotency_key_reused') takeBack(prompt)
    else if (known?.status === 401) await until(() => !isLocked.value)
    else if (known?.isPassing)
      await (connection.value === 'live' ? sleep(AGAIN_MS) : until(() => connection.value === 'live'))
    else keep({ ...prompt, refused: sentenceOf(error) })
  }
}

function keep(prompt: Outgoing): void {
  const before = outbox.value
  const isThere = before.some(({ key }) => key === prompt.key)
  outbox.value = isThere ? before.map((each) => (each.key === prompt.key ? prompt : each)) : [...before, prompt]
  try {
    localStorage.setItem(PLACE + prompt.key, JSON.stringify(prompt))
  } catch {
    // Too long for this browser's store: it goes all the same, as long as the page is open.
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves when it is so. `isSo` reads signals. */
async function until(isSo: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = effect(() => {
    if (isSo()) resolve()
  })
  await promise
  stop()
}
