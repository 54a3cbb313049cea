import type { EventPayload } from '@claude-proxy/protocol/events'
import { seen } from '@claude-proxy/protocol/transcript/text'
import { type Asked, createAsker, isAttended } from './ask.ts'
import type { Fate } from './ending.ts'
import { follow } from './follow.ts'
import type { Said } from './options.ts'
import { createScreen, oneLine } from './screen.ts'
import type { Service } from './service.ts'
import { EXIT } from './table.ts'
import { createTeller } from './teller.ts'

interface Watch {
  readonly service: Service
  readonly said: Said
  readonly id: string
  readonly since: number
  /** What waits for an answer already. */
  readonly asked: readonly Asked[]
  /** What an event means for what is watched. */
  readonly fate: (event: EventPayload) => Fate
  /** Stops what is watched. */
  readonly stop: () => Promise<unknown>
}

/** A second Ctrl-C within this time comes before the first has stopped anything. */
const GRACE_MS = 1000

/** Shows a run to its end and has its questions answered; what the program ends with. */
export async function watchRun({ service, said, id, since, asked, fate, stop }: Watch): Promise<number> {
  const mode = said.is('json') ? 'json' : said.is('quiet') ? 'quiet' : 'text'
  const screen = createScreen(process.stdout)
  const teller = mode === 'text' ? createTeller(screen) : undefined
  const over = new AbortController()
  let presses = 0
  let timer: NodeJS.Timeout | undefined

  const note = (text: string) => (teller ? screen.line(text, 'dim') : process.stderr.write(`${oneLine(text)}\n`))
  const cut = () => (teller ? teller.cut() : note('The connection is gone; trying again.'))
  const fails = (error: unknown) => note(error instanceof Error ? error.message : String(error))
  const onInterrupt = () => {
    presses++
    if (presses === 1) {
      note('Stopping. Ctrl-C again leaves it running.')
      timer = setTimeout(() => void stop().catch(fails), GRACE_MS)
      return
    }
    clearTimeout(timer)
    over.abort()
  }
  const asker = teller && isAttended() ? createAsker({ service, screen, onInterrupt, onError: fails }) : undefined
  const ask = (question: Asked) => {
    if (asker) asker.ask(question)
    else process.stderr.write(`${oneLine(question.tool)} waits for you: claude-proxy approve ${question.id}\n`)
  }
  process.on('SIGINT', onInterrupt)
  const ticking = teller && setInterval(() => teller.tick(), 120)
  try {
    for (const each of asked) ask(each)
    for await (const sight of follow(service, id, { since, signal: over.signal, withPartials: mode === 'text' })) {
      if (sight.kind === 'cut') cut()
      else if (sight.kind === 'back') teller?.back()
      else if (sight.kind === 'partial') teller?.partial(sight.partial)
      else {
        const { number, event } = sight
        if (mode === 'json') process.stdout.write(`${JSON.stringify({ conversation_id: id, number, event })}\n`)
        if (event.type === 'tool_permission_settled') asker?.settled(String(event['permission_id']))
        teller?.event(number, event)
        if (event.type === 'tool_permission') ask(askedBy(event))
        const now = fate(event)
        if (now === 'cancelled') {
          note('The prompt was taken back.')
          return presses > 0 ? EXIT.interrupted : EXIT.failed
        }
        if (now === 'over') {
          if (mode === 'quiet') process.stdout.write(quietResult(event))
          if (event['is_error'] !== true) return EXIT.ok
          return presses > 0 && event.subtype === 'interrupted' ? EXIT.interrupted : EXIT.failed
        }
      }
    }
    if (presses > 1) note(`It goes on without you. To come back: claude-proxy attach ${id}`)
    else note('The conversation was deleted.')
    return presses > 1 ? EXIT.detached : EXIT.failed
  } finally {
    clearTimeout(timer)
    clearInterval(ticking)
    asker?.close()
    screen.endGrowing()
    screen.status()
    over.abort()
    process.off('SIGINT', onInterrupt)
  }
}

/** As it is for a program; for a terminal without what could tell it anything. */
function quietResult({ result }: EventPayload): string {
  const text = typeof result === 'string' ? result : ''
  return `${process.stdout.isTTY ? seen(text) : text}\n`
}

function askedBy(event: EventPayload): Asked {
  const { permission_id: id, kind, tool_name: tool, input, rules } = event
  return {
    id: String(id),
    kind: String(kind),
    tool: String(tool),
    input: typeof input === 'object' && input !== null ? { ...input } : {},
    rules: Array.isArray(rules) ? rules.map(String) : [],
  }
}
