import { get, type IncomingMessage } from 'node:http'
import { createOnlooker, type Piece } from './onlooker.ts'
import type { Received } from './client.ts'

/** What came over a stream that shows what is not stored yet, in order. */
export type Shown = { readonly event: Received } | { readonly piece: Piece }

export type Watching = Awaited<ReturnType<typeof watch>>

/** `GET /v1/conversations/{id}/stream` as a client reads it that follows the rules for partials. */
export async function watch(base: string, id: string, query = '?partials=true') {
  const shown: Shown[] = []
  const onlooker = createOnlooker()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${base}/v1/conversations/${id}/stream${query}`, { agent: false }, resolve).on('error', reject)
  })
  let text = ''
  let rest = ''
  response.on('error', () => {})
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const frames = (rest + chunk).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) take(frame)
  })

  function take(frame: string): void {
    const [, number, data] = /^id: (\d+)\ndata: (.*)$/.exec(frame) ?? []
    if (data !== undefined) {
      const event = JSON.parse(data)
      onlooker.event(event)
      shown.push({ event: { id: Number(number), data, event } })
      return
    }
    const [, partial] = /^event: partial\ndata: (.*)$/.exec(frame) ?? []
    if (partial === undefined) return
    const piece = JSON.parse(partial) as Piece
    onlooker.partial(piece)
    shown.push({ piece })
  }

  return {
    onlooker,
    status: response.statusCode,
    /** Everything as it came. */
    text: () => text,
    shown: shown as readonly Shown[],
    pieces: (kind?: string): Piece[] =>
      shown.flatMap((each) =>
        'piece' in each && (kind === undefined || each.piece.kind === kind) ? [each.piece] : [],
      ),
    events: (type?: string): Received[] =>
      shown.flatMap((each) =>
        'event' in each && (type === undefined || each.event.event.type === type) ? [each.event] : [],
      ),
    cut: () => response.destroy(),
  }
}
