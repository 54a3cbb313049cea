import { request, type IncomingMessage, type RequestOptions } from 'node:http'
import { FrameReader, type Frame } from './sse.ts'

/** What the demo asks the agent to do. */
export interface Prompt {
  readonly conversation_id: string
  readonly cwd: string
  readonly allowed_tools: readonly string[]
  /** Left out to attach to the run that is under way. */
  readonly text?: string
}

/**
 * Events of `POST /v1/agent/stream` from `after` on, until the service ends the stream. Leaving the loop early
 * destroys the socket, as a phone in a tunnel would.
 */
export async function* stream(
  url: string,
  prompt: Prompt,
  signal: AbortSignal,
  after?: number,
): AsyncGenerator<Frame, void, void> {
  const body = JSON.stringify(prompt)
  const resume = after === undefined ? {} : { 'last-event-id': String(after) }
  const headers = {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...resume,
  }
  const response = await send(`${url}/v1/agent/stream`, { method: 'POST', headers, signal }, body)
  const reader = new FrameReader()
  try {
    for await (const piece of texts(response)) yield* reader.read(piece)
  } catch (cause) {
    throw signal.aborted ? signal.reason : new Error('The service broke the stream off.', { cause })
  } finally {
    response.socket.destroy()
  }
}

/** The lines of a replay: one event each, in order, without their numbers. */
export async function replay(url: string, conversation: string, since: number, signal: AbortSignal): Promise<string[]> {
  const path = `${url}/v1/conversations/${conversation}/events?since=${since}`
  const body = await whole(await send(path, { headers: { accept: 'application/x-ndjson' }, signal }))
  return body.split('\n').slice(0, -1)
}

async function send(url: string, options: RequestOptions, body?: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // A connection of its own each: cutting one must not touch another.
    request(url, { ...options, agent: false }, resolve)
      .on('error', reject)
      .end(body)
  })
  response.setEncoding('utf8')
  if (response.statusCode === 200) return response
  throw new Error(`${url} answered ${response.statusCode}: ${await whole(response)}`)
}

async function whole(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of texts(response)) text += piece
  return text
}

async function* texts(response: IncomingMessage): AsyncGenerator<string, void, void> {
  for await (const piece of response) yield String(piece)
}
