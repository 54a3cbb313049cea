/** A service of some lines: what it answers to the first request, to the second, and so on; the last goes on. */
export function createFetch(...given: ((signal: AbortSignal) => Response | Promise<Response>)[]) {
  const requests: { readonly url: string; readonly init: RequestInit }[] = []
  const answer: typeof fetch = async (url, init = {}) => {
    const give = given[Math.min(requests.length, given.length - 1)]
    requests.push({ url: url instanceof Request ? url.url : url.toString(), init })
    if (!give || !init.signal) throw new Error('a request without an answer, or without a signal')
    return give(init.signal)
  }
  return { fetch: answer, requests }
}

/** A stream of some text, which then ends, breaks, or says nothing more. */
export function streams(
  text: string,
  then: 'ends' | 'breaks' | 'waits' = 'ends',
  headers: Record<string, string> = {},
) {
  return (signal: AbortSignal) => {
    const body = new ReadableStream<Uint8Array>({
      start(stream) {
        stream.enqueue(new TextEncoder().encode(text))
        if (then === 'ends') stream.close()
        signal.addEventListener('abort', () => stream.error(signal.reason))
      },
      pull(stream) {
        if (then === 'breaks') stream.error(new TypeError('terminated'))
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8', ...headers } })
  }
}

/** A refusal, as the service writes it. */
export function refuses(status: number, error: string, headers: Record<string, string> = {}, more: object = {}) {
  return () => new Response(JSON.stringify({ error, ...more, message: `It is ${error}.` }), { status, headers })
}

export function answers(body: object, headers: Record<string, string> = {}) {
  return () => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json', ...headers } })
}

export function breaks() {
  return (): Promise<Response> => Promise.reject(new TypeError('fetch failed'))
}

/** Never answers. */
export function hangs() {
  return (signal: AbortSignal) =>
    new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

export const events = (...numbers: readonly number[]) =>
  numbers.map((number) => `id: ${number}\ndata: {"type":"assistant","number":${number}}\n\n`).join('')
