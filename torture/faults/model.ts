import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startScriptedModel, type Trouble, TROUBLES } from '@claude-proxy/scripted-model/model'
import type { Fault } from '../lib/fault.ts'
import { checkNobodyIn } from '../lib/orphans.ts'
import type { Context } from '../lib/part.ts'
import { startProgram } from '../lib/program.ts'
import { FAIR, openProxy, type Weather } from '../lib/proxy.ts'
import { checkWell, send, tell } from '../lib/prompts.ts'
import { checkSame, isResult, linesOf, runsOf, type Told } from '../lib/truth.ts'
import { until, within } from '../lib/until.ts'

/** The real Claude Code, and a Messages API that fails it: what it says of it ends the run, in words. */
export const modelFaults: readonly Fault[] = [
  onBadLine('a Messages API that is cut in the middle of an answer', 'always', ({ random }) => ({
    ...FAIR,
    pieceBytes: 500,
    end: { afterBytes: random.int(300, 6000), how: random.pick(['fin', 'reset']) },
  })),
  { name: 'a Messages API that stops in the middle of an answer', brief: 'sometimes', run: stalls },
  refusing('a Messages API that answers 429', 'sometimes', '@status 429'),
  refusing('a Messages API that answers 529', 'sometimes', '@status 529'),
  refusing('a Messages API that never answers', 'never', '@hang'),
  { name: 'a Messages API that answers garbage', brief: 'sometimes', run: garbage },
  { name: 'a Messages API that fails two requests of three, each in another way', brief: 'never', run: moody },
  { name: 'a Messages API whose name is gone', brief: 'sometimes', run: nameless },
]

function start(scratch: string, modelUrl: string) {
  return startProgram({
    dataDir: join(scratch, 'data'),
    agent: 'claude',
    env: {
      ANTHROPIC_API_KEY: 'dummy',
      ANTHROPIC_BASE_URL: modelUrl,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '1',
      API_TIMEOUT_MS: '6000',
    },
  })
}

/** How long Claude Code may take with its retries. */
const GIVES_UP_MS = 120_000

/** The line to the model is bad from some moment on, and good again; what was begun before goes on meanwhile. */
function onBadLine(name: string, brief: Fault['brief'], weatherOf: (context: Context) => Weather): Fault {
  return {
    name,
    brief,
    async run(context) {
      const { scratch } = context
      await using model = closing(await startScriptedModel())
      let weather: Weather = FAIR
      await using line = await openProxy(model.url, () => weather)
      await using program = await start(scratch, line.base)
      const canary = await send(program.base, scratch, 'canary', '@slow 150\n@text 1500\n@end The canary has sung.')
      await until('the canary sings', () => model.requests().length > 0, 40_000)
      weather = weatherOf(context)
      const told = await within('the run ends', GIVES_UP_MS, tell(program.base, scratch, 'bad', '@slow 5\n@text 20000'))
      expectError(told)
      weather = FAIR
      await checkWell(program.base, scratch, 'bad')
      await within('the canary ends', 60_000, canary.heard)
      const lines = await linesOf(program.base, 'canary')
      checkSame('the canary', canary.seen, lines)
      const [sung] = runsOf('canary', lines)
      if (sung?.result.is_error !== false || !sung.result.result.includes('has sung'))
        throw new Error(`the canary has not sung to its end: ${sung?.result.result}`)
      program.signal('SIGTERM')
      await within('the service stops', 12_000, program.exit)
      await checkNobodyIn(join(scratch, 'work'), 'after the service has stopped')
      return `${line.cut} connections; ${words(told)}; the canary sang to its end`
    },
  }
}

/** The script itself refuses, in one conversation; the other has nothing to do with it. */
function refusing(name: string, brief: Fault['brief'], directive: string): Fault {
  return {
    name,
    brief,
    async run({ scratch }) {
      await using model = closing(await startScriptedModel())
      await using program = await start(scratch, model.url)
      const bad = tell(program.base, scratch, 'bad', directive)
      bad.catch(() => {})
      const good = await within(
        'the other run ends',
        60_000,
        tell(program.base, scratch, 'good', '@bash echo one\n@end Two.'),
      )
      if (good.result.is_error) throw new Error(`the other run fails: ${good.result.result}`)
      const told = await within('the run ends', GIVES_UP_MS, bad)
      expectError(told)
      await checkWell(program.base, scratch, 'bad')
      return `${words(told)}; another conversation went on meanwhile`
    },
  }
}

/** Claude Code waits for such an answer longer than anybody here: what has to hold is that the run can be ended. */
async function stalls({ scratch, random }: Context): Promise<string> {
  await using model = closing(await startScriptedModel())
  let weather: Weather = FAIR
  await using line = await openProxy(model.url, () => weather)
  await using program = await start(scratch, line.base)
  await checkWell(program.base, scratch, 'good')
  weather = { ...FAIR, pieceBytes: 500, end: { afterBytes: random.int(300, 6000), how: 'stall' } }
  const stalled = await send(program.base, scratch, 'stalled', '@slow 5\n@text 20000')
  await until('the answer stops', () => line.cut > 0, 30_000)
  weather = FAIR
  const good = await within(
    'the other run ends',
    60_000,
    tell(program.base, scratch, 'good', '@bash echo one\n@end Two.'),
  )
  if (good.result.is_error) throw new Error(`the other run fails: ${good.result.result}`)
  program.signal('SIGTERM')
  await within('the service stops', 12_000, program.exit)
  await stalled.heard
  const { id, data = '' } = stalled.seen.at(-1) ?? {}
  if (!isResult(data)) throw new Error(`the reader was not told the end; its last event was ${id}`)
  await checkNobodyIn(join(scratch, 'work'), 'after the service has stopped')
  return 'another conversation goes on meanwhile; the stop of the service ends the run, and tells its reader'
}

async function garbage({ scratch, random }: Context): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    const text = Array.from({ length: 2000 }, () => String.fromCharCode(random.int(0, 255))).join('')
    const head =
      'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\nevent: message_start\ndata: {"type":'
    socket.end(Buffer.from(random.chance(0.5) ? text : head + text, 'latin1'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using program = await start(scratch, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return await failsTwice(program.base, scratch)
  } finally {
    server.close()
  }
}

/**
 * Requests fail in the middle of a run, of its turns, of what Claude Code asks beside them: some of it is made good by
 * trying again, some ends the run. Whatever it comes to, it is one end.
 */
async function moody({ scratch, random }: Context): Promise<string> {
  const choice = random.fork()
  let isMoody = true
  const troubles = new Map<Trouble, number>()
  const trouble = () => {
    if (!isMoody || !choice.chance(2 / 3)) return undefined
    const chosen = choice.pick(TROUBLES)
    troubles.set(chosen, (troubles.get(chosen) ?? 0) + 1)
    return chosen
  }
  await using model = closing(await startScriptedModel({ trouble }))
  await using program = await start(scratch, model.url)
  const ends = new Map<string, number>()
  const folders = Array.from({ length: MOODY_FOLDERS }, (_, n) => `moody-${n}`)
  for (let round = 1; round <= MOODY_ROUNDS; round++) {
    const text = `@bash echo ${round}.1\n@text 3000\n@bash echo ${round}.2\n@end Round ${round}.`
    // The next prompt finds the folder free, or is refused and throws.
    const told = await within(
      `all runs of round ${round} end`,
      GIVES_UP_MS,
      Promise.all(folders.map((folder) => tell(program.base, scratch, folder, text))),
    )
    for (const { result } of told) {
      const end = result.is_error ? 'an error' : 'a success'
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
  }
  isMoody = false
  for (const folder of folders) await checkWell(program.base, scratch, folder)
  for (const folder of folders) {
    const { length } = runsOf(folder, await linesOf(program.base, folder))
    if (length !== MOODY_ROUNDS + 1) throw new Error(`${folder} has ${length} runs; ${MOODY_ROUNDS + 1} were begun`)
  }
  return `${list(troubles)} led to ${list(ends)}; then every folder worked again`
}

const MOODY_FOLDERS = 3
const MOODY_ROUNDS = 6

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, count]) => `${count} × ${what}`).join(', ')
}

async function nameless({ scratch }: Context): Promise<string> {
  await using program = await start(scratch, 'http://nowhere.invalid')
  return await failsTwice(program.base, scratch)
}

/** The folder is free after the first failure. */
async function failsTwice(base: string, scratch: string): Promise<string> {
  const told = await within('the run ends', GIVES_UP_MS, tell(base, scratch, 'bad', 'Hello'))
  expectError(told)
  expectError(await within('the second run ends', GIVES_UP_MS, tell(base, scratch, 'bad', 'Hello again')))
  return `${words(told)}; the folder is free for the next`
}

function expectError({ result }: Told): void {
  if (!result.is_error) throw new Error(`a run without its model ends well: ${result.result}`)
}

function words({ result }: Told): string {
  return `told as ${result.subtype}: "${result.result.slice(0, 120)}"`
}

function closing<T extends { close(): Promise<void> }>(what: T): T & AsyncDisposable {
  return Object.assign(what, { [Symbol.asyncDispose]: () => what.close() })
}
