import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isHealthy } from './song.ts'
import type { Subjects } from './generate.ts'
import type { Ledger } from './ledger.ts'
import { makeMalformed } from './malformed.ts'
import type { Context } from './part.ts'
import type { Program } from './program.ts'
import type { Random } from './random.ts'
import { Line, type RawRequest, type RawResponse } from './raw.ts'
import { makeRequest } from './requests.ts'
import { gather } from './slow.ts'
import { exact, faultOf } from './verdict.ts'

/** How long an answer, or the close of a connection, may take on a busy machine. */
const BOUND_MS = 20_000
/** The service under fire, and what is needed to judge it. */
export interface Range {
  readonly program: Program
  readonly port: number
  readonly subjects: Subjects
  readonly ledger: Ledger
  readonly context: Context
  /** How many answers of each status there were. */
  readonly statuses: Map<number, number>
}

/** One request after the other: whatever is refused has changed nothing. */
export async function alone(range: Range, count: number): Promise<void> {
  const { port, subjects, ledger, context } = range
  let line = new Line(port)
  for (let n = 0; n < count; n++) {
    context.signal.throwIfAborted()
    const request = makeRequest(context.random, subjects)
    const before = ledger.look()
    const [response] = await judged(range, request, async () => {
      const { responses, isClosed } = await line.ask([request], BOUND_MS)
      if (isClosed) line = new Line(port)
      return responses
    })
    if (response && response.status < 400) await ledger.settled(BOUND_MS)
    else if (ledger.look() !== before)
      throw new Error(`a refused request changed ${before} to ${ledger.look()}; ${exact(request)}`)
  }
  line.close()
}

/** Many at once, several on each connection. */
export async function mixed(range: Range, count: number): Promise<void> {
  const connections = 16
  const shares = Array.from({ length: connections }, (_, n) => Math.floor((count + n) / connections))
  const randoms = shares.map(() => range.context.random.fork())
  await Promise.all(shares.map((share, n) => pipelined(range, share, randoms[n] ?? range.context.random)))
}

async function pipelined(range: Range, count: number, random: Random): Promise<void> {
  const { port, subjects, context } = range
  let line = new Line(port)
  let waiting: RawRequest[] = []
  for (let done = 0; done < count;) {
    context.signal.throwIfAborted()
    const batch = Math.min(random.pick([1, 2, 8, 16]), count - done)
    while (waiting.length < batch) waiting.push(makeRequest(random, subjects))
    const sent = waiting
    const answered = await judgedBatch(range, sent, line)
    done += answered
    // One that was not even answered may have closed the connection itself: it is not sent again.
    const skipped = answered === 0 ? 1 : 0
    done += skipped
    waiting = sent.slice(answered + skipped)
    if (line.isClosed) line = new Line(port)
  }
  line.close()
}

/** How many of the requests were answered; all of them, unless the service closed the connection. */
async function judgedBatch(range: Range, sent: readonly RawRequest[], line: Line): Promise<number> {
  try {
    const { responses } = await line.ask(sent, BOUND_MS)
    for (const [n, response] of responses.entries()) {
      note(range, response.status)
      const fault = faultOf(response, sent[n]?.isHead ?? false)
      if (fault !== undefined && sent[n]) throw new Error(`${fault}; ${exact(sent[n])}`)
    }
    return responses.length
  } catch (cause) {
    throw told(cause, { bytes: Buffer.concat(sent.map(({ bytes }) => bytes)) })
  }
}

/** Each on a connection of its own, which is then half-closed: it has to end in answers of ours. */
export async function malformed(range: Range, count: number): Promise<void> {
  const { port, context } = range
  const inFlight = 16
  const share = Math.ceil(count / inFlight)
  const randoms = Array.from({ length: inFlight }, () => context.random.fork())
  await Promise.all(
    randoms.map(async (random) => {
      for (let n = 0; n < share; n++) {
        context.signal.throwIfAborted()
        const request = { bytes: makeMalformed(random), isHead: false }
        await judged(range, request, () => new Line(port).throwIn(request.bytes, BOUND_MS))
      }
    }),
  )
}

/** Clients that go away: before they have said anything, in a head, in a body, and while they are answered. */
export async function torn(range: Range, count: number): Promise<void> {
  const { port, subjects, context } = range
  const { random } = context
  for (let n = 0; n < count; n++) {
    context.signal.throwIfAborted()
    const line = new Line(port)
    const { bytes } = makeRequest(random, subjects)
    const cut = random.chance(0.3) ? bytes.length : random.int(0, bytes.length)
    const asked = line.ask([{ bytes: bytes.subarray(0, cut), isHead: false }], BOUND_MS).catch(() => {})
    await sleep(random.pick([0, 0, 1, 5]))
    line.close(random.chance(0.5) ? 'reset' : 'orderly')
    await asked
  }
  await range.ledger.settled(BOUND_MS)
}

/** As many connections as may be, most of them silent; every tenth asks, and all of those are answered. */
export async function crowd({ port, program, context }: Range, count: number): Promise<void> {
  const gathered = await gather(port, count, 500)
  try {
    if (!(await isHealthy(program.base))) throw new Error('the service is not healthy in a crowd')
    const asking = gathered.sockets.filter((_, n) => n % 10 === 0)
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(BOUND_MS)])
    await Promise.all(
      asking.map(async (socket) => {
        const answer = once(socket, 'data', { signal })
        socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
        const [part] = await answer
        if (!String(part).startsWith('HTTP/1.1 200')) throw new Error(`in a crowd: ${String(part)}`)
      }),
    )
  } finally {
    gathered.leave()
  }
}

/** The responses, each judged; what is wrong is told with the exact request. */
async function judged(
  range: Range,
  request: RawRequest,
  ask: () => Promise<readonly RawResponse[]>,
): Promise<readonly RawResponse[]> {
  try {
    const responses = await ask()
    for (const response of responses) {
      note(range, response.status)
      const fault = faultOf(response, request.isHead)
      if (fault !== undefined) throw new Error(fault)
    }
    return responses
  } catch (cause) {
    throw told(cause, request)
  }
}

function told(cause: unknown, request: Pick<RawRequest, 'bytes'>): Error {
  const what = cause instanceof Error ? cause.message : String(cause)
  return what.includes('request (') ? (cause as Error) : new Error(`${what}; ${exact(request)}`, { cause })
}

function note({ statuses }: Range, status: number): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
}
