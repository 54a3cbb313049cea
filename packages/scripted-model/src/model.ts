import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { handleMessages, Journal, Logger, type Fixture } from '@copilotkit/aimock'
import { readRequest, type ModelRequest } from './request.ts'
import { replyTo, type Reply, type ReplyBlock } from './reply.ts'
import { readSituation, type Situation } from './situation.ts'

export type { ModelRequest } from './request.ts'

/** What goes wrong with the answer to one request, as aimock's chaos and the real API have it. */
export const TROUBLES = ['500', '429', '529', 'garbled', 'hung up', 'cut', 'silent'] as const
export type Trouble = (typeof TROUBLES)[number]

export interface ScriptedModelOptions {
  readonly port?: number
  /** Asked at each request for a message: what goes wrong with it. The same step that comes again is asked anew. */
  readonly trouble?: () => Trouble | undefined
  /** The directives that a prompt stands for, where it does not hold them itself. */
  readonly scriptOf?: (prompt: string) => string
}

export interface ScriptedModel {
  /** What belongs into `ANTHROPIC_BASE_URL`. */
  readonly url: string
  /** The requests for a message so far, oldest first; of very many only the last thousand. */
  requests(): readonly ModelRequest[]
  /** Stops at once, also answers under way and those that will never come. */
  close(): Promise<void>
}

/**
 * Starts a Messages API on loopback that follows the directives in the prompts (grammar.ts). It needs no account and
 * no network, and the CLI cannot tell it from the real one.
 *
 * The wire format is aimock's. Its fixture matching is not used: it sees requests without their `system` messages and
 * with the text blocks of a message glued together, and here every request gets a fixture of its own.
 */
export async function startScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const requests: ModelRequest[] = []
  const refusals = new Map<string, number>()

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const raw = await text(req)
    const path = new URL(req.url ?? '/', 'http://loopback').pathname
    if (req.method !== 'POST' || !PATHS.has(path)) return sendJson(res, 404, error('not_found_error', 'Not found'))
    if (path === COUNT_TOKENS) return sendJson(res, 200, { input_tokens: Math.ceil(raw.length / 4) })
    const request = readRequest(raw, req.headers)
    if (request === undefined) return sendJson(res, 400, error('invalid_request_error', 'The body is not JSON'))
    requests.push(request)
    if (requests.length > MOST_REQUESTS) requests.shift()
    if (request.model.startsWith(NO_SUCH))
      return sendJson(res, 404, error('not_found_error', `model: ${request.model}`))
    const trouble = options.trouble?.()
    if (trouble === 'silent') return
    const situation = spelledOut(readSituation(request), options.scriptOf)
    const key = stepKey(request, situation)
    const refused = refusals.get(key) ?? 0
    const reply = replyTo(situation, request.tools.length > 0, refused)
    if (reply.kind === 'silence') return
    if (reply.kind === 'refusal' || reply.breaksAfter !== undefined) refusals.set(key, refused + 1)
    const fixture = { ...fixtureFor(reply), ...(trouble && WRONG[trouble]) }
    await handleMessages(req, res, raw, [fixture], new Journal(), DEFAULTS, () => {})
  }

  const server = createServer((req, res) => {
    // When the client is gone, a response that is not ended would be written to until the script is through.
    res.on('close', () => res.end())
    answer(req, res).catch((cause: unknown) => {
      if (res.headersSent) res.destroy()
      else sendJson(res, 500, error('api_error', String(cause)))
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    requests: () => requests,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** No model has a name that begins so; any other one is there. */
const NO_SUCH = 'no-such-'

const MESSAGES = '/v1/messages'
const COUNT_TOKENS = '/v1/messages/count_tokens'
const PATHS = new Set([MESSAGES, COUNT_TOKENS])
const MOST_REQUESTS = 1000

const DEFAULTS = { latency: 0, chunkSize: 8192, replaySpeed: 1, logger: new Logger('silent') }

/** Characters in a chunk of a slow response: small, so that there is a middle to cut in. */
const SLOW_CHUNK = 40

/** The API's own names for its errors. */
const ERROR_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

/** An answer that is cut comes in pieces, of which some are sent before. */
const WRONG: Record<Exclude<Trouble, 'silent'>, Partial<Fixture>> = {
  '500': { chaos: { dropRate: 1 } },
  '429': { chaos: { rateLimitRate: 1 } },
  '529': { response: refusal(529) },
  garbled: { chaos: { malformedRate: 1 } },
  'hung up': { chaos: { disconnectRate: 1 } },
  cut: { chunkSize: 8, latency: 5, truncateAfterChunks: 6 },
}

function spelledOut(situation: Situation, scriptOf: (prompt: string) => string = (prompt) => prompt): Situation {
  return { ...situation, prompts: situation.prompts.map(scriptOf) }
}

/** Names a step of a session, to count how often it was refused. */
function stepKey(request: ModelRequest, { prompts, stepsDone }: Situation): string {
  return JSON.stringify([request.userId, prompts, stepsDone])
}

function fixtureFor(reply: Exclude<Reply, { kind: 'silence' }>): Fixture {
  const match = { predicate: () => true }
  if (reply.kind === 'refusal') {
    const wait = reply.retryAfter === undefined ? {} : { retryAfter: reply.retryAfter }
    return { match, response: { ...refusal(reply.status), ...wait } }
  }
  const pace = reply.delayMs > 0 ? { latency: reply.delayMs, chunkSize: SLOW_CHUNK } : {}
  const breaks = reply.breaksAfter === undefined ? {} : { truncateAfterChunks: reply.breaksAfter }
  const thinking = reply.thinking === undefined ? {} : { reasoning: reply.thinking }
  const { input = 0, output = 0 } = reply.usage ?? {}
  const usage = { input_tokens: input, output_tokens: output }
  return { match, response: { blocks: reply.blocks.map(toAimock), usage, ...thinking }, ...pace, ...breaks }
}

function refusal(status: number) {
  const type = ERROR_TYPES[status] ?? 'api_error'
  return { error: { type, message: `The script refuses with ${status}.` }, status }
}

function toAimock(block: ReplyBlock) {
  if (block.type === 'text') return block
  return { type: 'toolCall' as const, name: block.tool, arguments: JSON.stringify(block.input) }
}

function error(type: string, message: string) {
  return { type: 'error', error: { type, message } }
}

function sendJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The scripted model has no port.')
  return address.port
}
