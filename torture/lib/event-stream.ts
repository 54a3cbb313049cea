import { type IncomingMessage, request } from 'node:http'

/** An event as its bytes came. */
export interface Frame {
  readonly id: number
  readonly data: string
}

/** How a stream was over: refused, broken off before or after its answer began, or ended by the service. */
export type Outcome =
  | { readonly how: 'refused'; readonly status: number; readonly body: string }
  | { readonly how: 'unanswered' | 'broken' | 'ended' }

export interface StreamOptions {
  readonly base: string
  readonly body: object
  readonly lastEventId: number
  /** Breaks the connection off. */
  readonly cut: AbortSignal
  /** Gets every event as it comes; what it throws rejects the stream. */
  readonly take: (frame: Frame) => void
  /** The service has said yes. */
  readonly answered?: () => void
}

/** `POST /v1/agent/stream`, read to its end, however that comes. */
export function readStream({ base, body, lastEventId, cut, take, answered }: StreamOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'last-event-id': String(lastEventId) }
    const sent = request(`${base}/v1/agent/stream`, { method: 'POST', headers, agent: false, signal: cut })
    let isAnswered = false
    const breakOff = () => resolve({ how: isAnswered ? 'broken' : 'unanswered' })
    sent.on('error', breakOff).on('close', breakOff)
    sent.on('response', (response) => {
      if (response.statusCode === 200) {
        isAnswered = true
        answered?.()
      }
      follow(response).catch((error: unknown) => {
        sent.destroy()
        reject(error instanceof Error ? error : new Error(String(error)))
      })
    })
    sent.end(JSON.stringify(body))

    async function follow(response: IncomingMessage): Promise<void> {
      const status = response.statusCode ?? 0
      let text = ''
      response.setEncoding('latin1')
      const chunks = response[Symbol.asyncIterator]()
      for (;;) {
        const next = await chunks.next().catch(() => undefined)
        if (next === undefined) return breakOff()
        if (next.done) return resolve(status === 200 ? { how: 'ended' } : { how: 'refused', status, body: text })
        text += String(next.value)
        if (status === 200) text = takeFrames(text, take)
      }
    }
  })
}

/** Hands on the whole frames in `text`; returns what follows them. */
export function takeFrames(text: string, take: (frame: Frame) => void): string {
  const parts = text.split('\n\n')
  const rest = parts.pop() ?? ''
  for (const part of parts) if (!part.startsWith(':')) take(frame(part))
  return rest
}

function frame(text: string): Frame {
  const [, id, data] = /^id: (\d+)\ndata: (.+)$/.exec(text) ?? []
  if (id === undefined || data === undefined) throw new Error(`not a frame of ours: ${JSON.stringify(text)}`)
  return { id: Number(id), data }
}
