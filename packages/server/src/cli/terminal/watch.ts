import {
  type AgentEvent,
  type Client,
  ClaudeProxyError,
  type FollowItem,
  type FollowOptions,
  isEvent,
  type ResultEvent,
} from '@claude-proxy/client'
import { emptyView, type View, view } from '@claude-proxy/client/view'
import { seen } from '@claude-proxy/protocol/transcript/text'
import { type Asked, createAsker, isAttended } from './ask.ts'
import { createLine } from './line.ts'
import type { Said } from './options.ts'
import { createScreen, oneLine } from './screen.ts'
import { EXIT } from './table.ts'
import { createTeller, restOf } from './teller.ts'

interface Watched {
  readonly id: string
  /** What happens, up to the end of what is watched; asked for with the `options` of the watch. */
  readonly items: AsyncIterable<FollowItem>
  /** What waits for an answer already, of the events up to this number. */
  readonly asked: readonly Asked[]
  readonly askedUpTo: number
  /** Stops what is watched, as it stands. */
  readonly stop: (now: View) => Promise<unknown>
}

interface Watch {
  readonly options: Pick<FollowOptions, 'signal' | 'onState' | 'partials'>
  /** Shows a run to its end and has its questions answered; what the program ends with. */
  show(watched: Watched): Promise<number>
}

/** A second Ctrl-C within this time comes before the first has stopped anything. */
const GRACE_MS = 1000

export function createWatch(said: Said, client: Client): Watch {
  const mode = said.is('json') ? 'json' : said.is('quiet') ? 'quiet' : 'text'
  const screen = createScreen(process.stdout)
  const teller = mode === 'text' ? createTeller(screen) : undefined
  const note = (text: string) => (teller ? screen.line(text, 'dim') : process.stderr.write(`${oneLine(text)}\n`))
  const line = createLine({
    cut: () => (teller ? teller.cut() : note('The connection is gone; trying again.')),
    back: () => teller?.back(),
  })

  return { options: { signal: line.signal, onState: line.onState, partials: mode === 'text' }, show }

  async function show({ id, items, asked, askedUpTo, stop }: Watched): Promise<number> {
    let now = emptyView
    let end: ResultEvent | undefined
    let presses = 0
    let timer: NodeJS.Timeout | undefined
    const fails = (error: unknown) => note(error instanceof Error ? error.message : String(error))
    const onInterrupt = () => {
      presses++
      if (presses === 1) {
        note('Stopping. Ctrl-C again leaves it running.')
        timer = setTimeout(() => void stop(now).catch(fails), GRACE_MS)
        return
      }
      clearTimeout(timer)
      line.close()
    }
    const asker = teller && isAttended() ? createAsker({ client, screen, onInterrupt, onError: fails }) : undefined
    const ask = (question: Asked) => {
      if (asker) asker.ask(question)
      else process.stderr.write(`${oneLine(question.tool)} waits for you: claude-proxy approve ${question.id}\n`)
    }
    const take = (number: number, event: AgentEvent) => {
      if (mode === 'json') process.stdout.write(`${JSON.stringify({ conversation_id: id, number, event })}\n`)
      if (isEvent(event, 'tool_permission_settled')) asker?.settled(event.permission_id)
      const question = isEvent(event, 'tool_permission') && number > askedUpTo ? now.questions.at(-1) : undefined
      if (question) ask(question)
      if (isEvent(event, 'result')) end = event
    }
    process.on('SIGINT', onInterrupt)
    const ticking = teller && setInterval(() => teller.tick(), 120)
    try {
      for (const each of asked) ask(each)
      for await (const item of items) {
        now = view(now, item)
        teller?.take(item, now)
        if (item.kind === 'event') take(item.id, item.event)
        now = restOf(now)
      }
      line.check()
      if (line.signal.aborted) {
        note(`It goes on without you. To come back: claude-proxy attach ${id}`)
        return EXIT.detached
      }
      if (mode === 'quiet') process.stdout.write(quietResult(end))
      if (end?.is_error === false) return EXIT.ok
      return presses > 0 && end?.subtype === 'interrupted' ? EXIT.interrupted : EXIT.failed
    } catch (error) {
      if (!(error instanceof ClaudeProxyError && error.code === 'prompt_cancelled')) throw error
      note(error.message)
      return presses > 0 ? EXIT.interrupted : EXIT.failed
    } finally {
      clearTimeout(timer)
      clearInterval(ticking)
      asker?.close()
      screen.endGrowing()
      screen.status()
      line.close()
      process.off('SIGINT', onInterrupt)
    }
  }
}

/** As it is for a program; for a terminal without what could tell it anything. */
function quietResult(end: ResultEvent | undefined): string {
  const text = typeof end?.result === 'string' ? end.result : ''
  return `${process.stdout.isTTY ? seen(text) : text}\n`
}
