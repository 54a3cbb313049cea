import { useEffect, useRef, useState } from 'preact/hooks'
import { nameOf, titleOf } from '../conversations.ts'
import { details, openSession, type Session, sessionFailure, sessionState, shown } from '../session.ts'
import { ask, sentenceOf } from '../wire/service.ts'
import { money, STATES } from '../words.ts'
import { ApprovalCard } from './approval.tsx'
import { Composer } from './composer.tsx'
import { ConversationMenu } from './menu/menu.tsx'
import { QueueView } from './queue.tsx'
import { Settings } from './settings.tsx'
import { TranscriptView } from './transcript.tsx'

/** One conversation: what was said, what waits, and what to say next. */
export function ConversationView({ id, seq }: { id: string; seq: number | undefined }) {
  const session = useRef<Session>(undefined)
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    const opened = openSession(id)
    session.current = opened
    return () => opened.close()
  }, [id])

  const known = details.value
  const state = known?.state ?? 'idle'
  const cost = known?.cost_usd ?? 0
  const reload = () => void session.current?.reload()
  const interrupt = () => {
    setSaid(undefined)
    ask<'Interrupted'>(`v1/conversations/${encodeURIComponent(id)}/interrupt`, { method: 'POST', body: {} }).catch(
      (error: unknown) => setSaid(sentenceOf(error)),
    )
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
            {known?.context?.percent != null && ` · ${Math.round(known.context.percent)}% of its memory`}
          </p>
        </div>
        <span class={`state ${state}`}>{STATES[state]}</span>
        {known && <Settings id={id} details={known} onChanged={reload} />}
        {known && <ConversationMenu details={known} onChanged={reload} />}
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
        {shown.value.open.map((question) => (
          <ApprovalCard key={question.permission_id} question={question} />
        ))}
        <QueueView prompts={known?.queue ?? []} onChanged={reload} />
        <Composer key={id} id={id} isBusy={state !== 'idle'} onSent={reload} />
      </div>
    </main>
  )
}
