import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Stands in for Claude Code and speaks its protocol on stdin and stdout as badly as the prompt says:
 *
 *     @load n= rate= size=   texts at a rate (0: a flood)
 *     @garbage N             N lines that are no messages, bytes that are no text among them
 *     @huge BYTES            one message of so many bytes
 *     @children              begins processes that outlive it, one of them in a session of its own
 *     @deaf                  ignores SIGTERM and the end of its input from now on
 *     @die CODE              ends with the exit code, or by the signal
 *     @silent                never says anything again
 */
const session = /--(?:session-id|resume)[= ](\S+)/.exec(process.argv.join(' '))?.[1] ?? crypto.randomUUID()
const lines = createInterface({ input: process.stdin })
let isDeaf = false
lines.on('line', (line) => void take(JSON.parse(line) as Incoming))
lines.on('close', () => isDeaf || process.exit(0))

interface Incoming {
  readonly type: string
  readonly uuid?: string
  readonly request_id?: string
  readonly request?: { readonly subtype: string }
  readonly message?: { readonly content: readonly { readonly text?: string }[] }
}

/** What the SDK asks of a Claude Code that is to be trusted with hooks. */
const CAN = { hook_on_failure_supported: true, hooks_applied: true }

async function take({ type, uuid, request_id, request, message }: Incoming): Promise<void> {
  if (type === 'control_request') {
    if (request?.subtype === 'interrupt' && isDeaf) return
    await say({ type: 'control_response', response: { subtype: 'success', request_id, response: CAN } })
    return
  }
  if (type !== 'user') return
  await say({ type: 'system', subtype: 'init', tools: [], model: 'bad', permissionMode: 'default' })
  for (const [, name = '', rest = ''] of (message?.content[0]?.text ?? '').matchAll(/@([a-z]+)([^@\n]*)/g))
    await DEEDS[name]?.(rest.trim())
  await say({
    type: 'result',
    subtype: 'success',
    is_error: false,
    duration_ms: 1,
    duration_api_ms: 1,
    num_turns: 1,
    result: 'Done.',
  })
  await say({ type: 'command_lifecycle', command_uuid: uuid, state: 'completed' })
  await say({ type: 'system', subtype: 'session_state_changed', state: 'idle' })
}

const DEEDS: Record<string, (rest: string) => Promise<void> | void> = {
  async load(rest) {
    const number = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(rest)?.[1] ?? 0)
    const start = performance.now()
    for (let n = 0; n < number('n'); n++) {
      const wait = number('rate') > 0 ? start + (n / number('rate')) * 1000 - performance.now() : 0
      if (wait >= 1) await sleep(wait)
      const stamp = `#${n} @ts=${Math.round((performance.timeOrigin + performance.now()) * 1000)}@ `
      await text(stamp + 'x'.repeat(number('size')))
    }
  },
  async garbage(rest) {
    for (let n = 0; n < Number(rest); n++) {
      await write(Buffer.from(GARBAGE[n % GARBAGE.length] ?? '', 'latin1'))
      await write('\n')
    }
  },
  huge: (rest) => text('h'.repeat(Number(rest))),
  async children() {
    const ignored = { stdio: 'ignore', detached: true } as const
    spawn('sleep', ['86399'], { stdio: 'ignore' })
    spawn('sleep', ['86399'], ignored).unref()
    spawn('setsid', ['sh', '-c', 'sleep 86399 & trap "" TERM; sleep 86399'], ignored).unref()
    await sleep(300)
    await text('The children are there.')
  },
  deaf() {
    isDeaf = true
    process.on('SIGTERM', () => {})
    setInterval(() => {}, 60_000)
  },
  die(rest) {
    if (/^\d+$/.test(rest)) process.exit(Number(rest))
    process.kill(process.pid, rest)
    return sleep(60_000)
  },
  silent: () => new Promise<void>(() => setInterval(() => {}, 60_000)),
}

const GARBAGE = [
  '{"type":',
  'Segmentation fault',
  '\u0000\u0001\u00ff\u00fe',
  '{"type":"made_up","x":1}',
  '{}',
  '[1]',
  '{"type":"assistant","message":{"role":"assistant","model":"bad","content":[]}}',
]

function text(words: string): Promise<void> {
  const message = { role: 'assistant', model: 'bad', content: [{ type: 'text', text: words }] }
  return say({ type: 'assistant', message, parent_tool_use_id: null })
}

function say(what: object): Promise<void> {
  return write(`${JSON.stringify({ ...what, session_id: session, uuid: crypto.randomUUID() })}\n`)
}

async function write(what: string | Buffer): Promise<void> {
  if (!process.stdout.write(what)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}
