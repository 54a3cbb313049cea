import { useLayoutEffect, useState } from 'preact/hooks'
import { nameOf, titleOf } from '../conversations.ts'
import { client, sentenceOf } from '../service.ts'
import { details, keepSession, progress, sessionFailure, sessionState, shown } from '../session.ts'
import { money, STATES } from '../words.ts'
import { ApprovalCard } from './approval.tsx'
import { Composer } from './composer.tsx'
import { ConversationMenu } from './menu/menu.tsx'
import { QueueView } from './queue.tsx'
import { Settings } from './settings.tsx'
import { TranscriptView } from './transcript.tsx'

/** One conversation: what was said, what waits, and what to say next. */
export function ConversationView({ id, seq }: { id: string; seq: number | undefined }) {
  const [said, setSaid] = useState<string>()
  // Before anybody sees what was open before.
  useLayoutEffect(() => {
    const over = new AbortController()
    void keepSession(id, over.signal)
    return () => over.abort()
  }, [id])

  const known = details.value
  const { questions, queue, state: last } = shown.value
  const state = progress.value === undefined ? last : (known?.state ?? 'idle')
  const cost = known?.cost_usd ?? 0
  const interrupt = () => {
    setSaid(undefined)
    client.interrupt(id).catch((error: unknown) => setSaid(sentenceOf(error)))
  }
  const failure = said ?? sessionFailure.value
  return (
    <main class="conversation" aria-label={known ? titleOf(known) : 'Conversation'}>
      <header class="bar">
        <a class="button quiet back" href="#/" aria-label="All conversations">
          ‹
        </a>
        <div class="heading">
          <h1>{known ? titleOf(known) : id}</h1>
          <p class="about" title={known?.cwd}>
            {known && nameOf(known.cwd)}
            {cost > 0 && ` · ${money(cost)}`}
            {known?.context?.percent != null && ` · context ${Math.round(known.context.percent)}% full`}
          </p>
        </div>
        <span class={`state ${state}`}>{STATES[state]}</span>
        {known && <Settings known={known} />}
        {known && <ConversationMenu details={known} />}
        {state !== 'idle' && (
          <button type="button" class="danger" onClick={interrupt} aria-keyshortcuts="Escape" id="interrupt">
            Stop
          </button>
        )}
      </header>
      {sessionState.value === 'waiting' && (
        <p class="banner" role="status">
          No connection. It comes back by itself; nothing is lost.
        </p>
      )}
      {failure !== undefined && (
        <p class="banner error" role="alert">
          {failure}
        </p>
      )}
      <TranscriptView key={id} seq={seq} />
      <div class="tray">
        {questions.map((question) => (
          <ApprovalCard key={question.id} question={question} />
        ))}
        <QueueView prompts={queue} />
        <Composer key={id} id={id} isBusy={state !== 'idle'} />
      </div>
    </main>
  )
}
