import { isResult, type Seen } from './truth.ts'
import { type Body, readNdjson, readSse } from './wire.ts'

export interface Listening {
  readonly base: string
  readonly body: Body
  readonly as: 'sse' | 'ndjson' | 'gzip'
  /** What the listener has before it begins. */
  readonly after?: number
  readonly silenceMs?: number
  /** Ends the listening from outside, with what has come. */
  readonly signal?: AbortSignal
  /** Called at each event, when it comes. */
  readonly onEvent?: (seen: Seen) => void
}

export interface Listened {
  readonly seen: readonly Seen[]
  readonly connections: number
}

/** A break in a row of so many connections that brought nothing is not bad luck any more. */
const MOST_EMPTY = 400

/** Comes back with its last id, however often the connection breaks, until it has the result of a run. */
export async function listen(listening: Listening): Promise<Listened> {
  const { base, body, as, after = 0, silenceMs = 1500, signal, onEvent } = listening
  const seen: Seen[] = []
  const attach = { conversation_id: body.conversation_id, cwd: body.cwd }
  const take = (id: number, data: string) => {
    seen.push({ id, data })
    onEvent?.({ id, data })
  }
  const options = { silenceMs, ...(signal && { signal }) }
  let connections = 0
  const ends: string[] = []
  for (let empty = 0; empty < MOST_EMPTY;) {
    const before = seen.length
    const last = seen.at(-1)?.id ?? after
    connections++
    const heard =
      as === 'sse'
        ? await readSse(base, attach, last, take, options)
        : await readNdjson(base, body.conversation_id, last, take, { ...options, gzip: as === 'gzip' })
    ends.push(`${heard.status}${heard.whole ? ' whole' : ''}`)
    if (isResult(seen.at(-1)?.data) || signal?.aborted) return { seen, connections }
    if (heard.status >= 400) throw new Error(`event ${last} was followed by ${heard.status}: ${heard.text}`)
    empty = seen.length > before ? 0 : empty + 1
    // A replay that is level has to be asked again; that is the client's pace.
    if (as !== 'sse' && heard.whole) await new Promise((resolve) => setTimeout(resolve, 30))
  }
  throw new Error(
    `${as}: ${MOST_EMPTY} connections brought nothing after event ${seen.at(-1)?.id ?? after}: ${JSON.stringify(Object.entries(Object.groupBy(ends.slice(-MOST_EMPTY), (e) => e)).map(([k, v]) => [k, v?.length]))}`,
  )
}
