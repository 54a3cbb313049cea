import { query, type SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'
import { machineMs } from '../lib/clock.ts'
import { answer } from '../lib/rpc.ts'

/** The Agent SDK used directly, as a first script would: no service, no store. The SDK is loaded before anything is timed. */
const handlers = {
  /** A prompt to a new Claude Code; answers when that is through, with the time when it was asked. */
  async once({ cwd, text }: { cwd: string; text: string }): Promise<number> {
    const askedAt = machineMs()
    for await (const message of query({ prompt: text, options: { cwd } })) check(message)
    return askedAt
  },

  /** Starts a Claude Code that stays, and gives it its first prompt; answers when that is through. */
  async begin({ cwd, text }: { cwd: string; text: string }): Promise<void> {
    const agent = query({ prompt: prompts(), options: { cwd } })
    messages = agent[Symbol.asyncIterator]()
    await say(text)
  },

  /** A further prompt to the Claude Code that stays; answers when it is through, with the time when it was asked. */
  say: (text: string): Promise<number> => say(text),
}

export type Sdk = typeof handlers

let messages: AsyncIterator<{ type: string }> | undefined
const given: string[] = []
let wake = () => {}

answer(handlers)

async function say(text: string): Promise<number> {
  const askedAt = machineMs()
  given.push(text)
  wake()
  for (;;) {
    const next = await messages?.next()
    if (next === undefined || next.done) throw new Error('the agent has ended')
    check(next.value)
    if (next.value.type === 'result') return askedAt
  }
}

async function* prompts(): AsyncGenerator<SDKUserMessage> {
  for (;;) {
    const text = given.shift()
    if (text !== undefined) yield { type: 'user', message: { role: 'user', content: text }, parent_tool_use_id: null }
    else
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
}

function check(message: { type: string; is_error?: boolean; result?: unknown }): void {
  if (message.type === 'result' && message.is_error) throw new Error(`the agent failed: ${String(message.result)}`)
}
