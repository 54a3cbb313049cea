import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Load, loadDirective } from './load.ts'
import { getRequest, type Prompt, type Service, streamRequest } from './service.ts'

/** A run of the scripted agent that waits before its load until it is told, so that all subscribers are there first. */
export interface GatedRun {
  /** The request of a subscriber who watches the run, at the door of the app. */
  readonly request: string
  /** The same of one who watches the conversation. */
  readonly watchRequest: string
  readonly conversation: string
  /** The number of the last event before the load: every subscriber has it before the gate opens. */
  readonly ready: number
  /** The number of its last event. */
  readonly end: number
  open(): Promise<void>
}

/** Prompt, init, the tool call, the question. */
const READY = 4
/** The answer, as an event and as the result of the tool. */
const ANSWER = 2
/** After the load, the result of the run. */
const RESULT = 1

/** Starts a run that asks for permission, and waits with its load for the answer. `staysOpen`: it does not end by itself. */
export async function gatedRun(
  service: Service,
  scratch: string,
  load: Load,
  { staysOpen = false } = {},
): Promise<GatedRun> {
  const name = newName()
  const cwd = join(scratch, 'work', name)
  await mkdir(cwd, { recursive: true })
  const attach: Prompt = { conversation_id: name, cwd }
  const permission = await begin(service, {
    ...attach,
    text: `@ask tool=Bash ${loadDirective(load)}${staysOpen ? ' @hang' : ''}`,
  })
  return {
    request: streamRequest(attach, '{last}'),
    watchRequest: getRequest(`/v1/conversations/${name}/stream`, ['Last-Event-ID: {last}']),
    conversation: name,
    ready: READY,
    end: READY + ANSWER + load.count + (staysOpen ? 0 : RESULT),
    async open() {
      const body = { conversation_id: name, cwd, permission_id: permission, behavior: 'allow' }
      await post(`${service.url}/v1/agent/tool_permission`, body)
    },
  }
}

let names = 0

function newName(): string {
  return `bench-${process.pid}-${++names}`
}

/** Sends the prompt, reads up to the question and leaves. */
async function begin(service: Service, prompt: Prompt): Promise<string> {
  const response = await post(`${service.url}/v1/agent/stream`, prompt)
  let text = ''
  for await (const piece of response.body ?? []) {
    text += Buffer.from(piece).toString('latin1')
    const found = /"permission_id":"([^"]+)"/.exec(text)?.[1]
    // Leaving the loop leaves the stream.
    if (found !== undefined) return found
  }
  throw new Error(`the scripted agent did not ask: ${text}`)
}

async function post(url: string, body: object): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response
}
