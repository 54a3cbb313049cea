import type { AnswerTo, WrittenAs } from '@claude-proxy/protocol/endpoints'
import type { Calls } from './calls.ts'
import { ClaudeProxyError } from './errors.ts'
import type { AgentEvent, ResultEvent } from './events.ts'
import type { FollowItem, FollowOptions } from './follow.ts'

type Message = Omit<WrittenAs<'Message'>, 'text'>

/** Where a prompt goes: into a conversation that there is, or into a new one in a folder. */
type Place =
  | { readonly conversation: string; readonly cwd?: undefined }
  | { readonly cwd: string; readonly conversation?: undefined }

/** What the prompt asks of its run, as `send` takes it, and how it is watched. */
export type RunOptions = Place & Message & Pick<FollowOptions, 'signal' | 'onState' | 'partials'>

/** What a prompt leads to. The service has it from the moment on in which there is this handle. */
export interface RunHandle {
  /** The run's id. */
  readonly id: string
  readonly conversation: string
  readonly outcome: AnswerTo<'send'>['outcome']
  /** All that happens from the prompt to the end of its run. May be read more than once. */
  readonly events: AsyncIterable<FollowItem>
  /** How the run ends. Fails with `prompt_cancelled` when the prompt was taken back before it began. */
  readonly result: Promise<ResultEvent>
  /** What the agent says in the end. Fails with `run_failed` when the run does. */
  readonly text: Promise<string>
  /** Lets the agent do what it asks for; `more` as `answer` takes it. */
  approve(approvalId: string, more?: Omit<WrittenAs<'ApprovalAnswer'>, 'behavior'>): Promise<AnswerTo<'answer'>>
  deny(approvalId: string, message?: string): Promise<AnswerTo<'answer'>>
  /** Stops the conversation's run. */
  interrupt(): Promise<AnswerTo<'interrupt'>>
}

type Follow = (id: string, options: FollowOptions) => AsyncIterable<FollowItem>

/** Sends a prompt. */
export async function run(
  calls: Calls,
  follow: Follow,
  prompt: string,
  { conversation, cwd, signal, onState, partials, ...message }: RunOptions,
): Promise<RunHandle> {
  const id = conversation ?? (await calls.createConversation({ cwd: cwd ?? '' }, { signal })).conversation_id
  const sent = await calls.send(id, { ...message, text: prompt }, { signal })
  let end: ResultEvent | undefined
  let result: Promise<ResultEvent> | undefined
  let text: Promise<string> | undefined

  async function* events(options: FollowOptions): AsyncGenerator<FollowItem, void, undefined> {
    const isEnd = createEnd(sent)
    for await (const item of follow(id, { ...options, since: sent.watch_since })) {
      const isOver = item.kind === 'event' && isEnd(item.event)
      // Whoever has read to the end need not be told by another stream.
      if (isOver) end = item.event as ResultEvent
      yield item
      if (isOver) return
    }
  }

  async function findResult(): Promise<ResultEvent> {
    if (!end) for await (const _ of events({ signal }));
    // A stream that nobody has stopped goes on to the end.
    if (!end) throw signal?.reason
    return end
  }

  const handle: RunHandle = {
    id: sent.run_id ?? '',
    conversation: id,
    outcome: sent.outcome,
    events: { [Symbol.asyncIterator]: () => events({ signal, onState, partials }) },
    get result() {
      result ??= findResult()
      return result
    },
    get text() {
      text ??= handle.result.then(textOf)
      return text
    },
    approve: (approval, more) => calls.answer(approval, { ...more, behavior: 'allow' }),
    deny: (approval, words) => calls.answer(approval, { behavior: 'deny', message: words }),
    interrupt: () => calls.interrupt(id),
  }
  return handle
}

/** Says of each event after `watch_since` whether it is the end of the run that the prompt has come to. */
export function createEnd({ run_id: id, outcome }: Pick<AnswerTo<'send'>, 'run_id' | 'outcome'>) {
  let isWaiting = outcome === 'queued' || outcome === 'steering'
  return (event: AgentEvent): boolean => {
    // Meanwhile others end.
    if (event.type === 'result') return !isWaiting
    if (event['prompt_id'] !== id) return false
    if (event.type === 'user') isWaiting = event['steer'] === true
    else if (event['subtype'] === 'prompt_queued') isWaiting = true
    else if (event['subtype'] === 'prompt_steered') isWaiting = false
    else if (event['subtype'] === 'prompt_cancelled')
      throw new ClaudeProxyError('prompt_cancelled', 'The prompt was taken back before it began.')
    return false
  }
}

function textOf({ is_error: isError, result, subtype }: ResultEvent): string {
  if (isError) throw new ClaudeProxyError('run_failed', result, { details: { subtype } })
  return result
}
