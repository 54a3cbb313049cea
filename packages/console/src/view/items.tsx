import type { End, Entry, Prompt, Question, ToolCall } from '@claude-proxy/client/view'
import { useComputed } from '@preact/signals'
import { Component, type ComponentChildren, type JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { duration } from '../amounts.ts'
import { wordsOf } from '../notes.ts'
import { readResult } from '../result.ts'
import { client } from '../service.ts'
import { folder, shown } from '../session.ts'
import { gist, money, whoIs } from '../words.ts'
import { Markdown, Plain, WhatHappens } from './code.tsx'
import { DraftsOf } from './drafts.tsx'
import { PromptMenu } from './prompt/menu.tsx'
import { RunLink } from './run/link.tsx'

interface ItemProps {
  readonly item: Entry
  readonly before: Entry | undefined
}

/** One thing that was said or done. It is drawn again when it has become another, not when its neighbours have. */
export class ItemView extends Component<ItemProps> {
  override shouldComponentUpdate(next: ItemProps): boolean {
    return next.item !== this.props.item
  }

  override render(): JSX.Element | undefined {
    const { item, before } = this.props
    switch (item.kind) {
      case 'prompt':
        return <PromptView prompt={item} />
      case 'text':
        return (
          <article class="answer" data-seq={item.seq}>
            <Markdown text={item.text} />
          </article>
        )
      case 'thinking':
        if (item.text === '') return undefined
        return <Folded class="thinking" seq={item.seq} summary="Thought" body={() => <p>{item.text}</p>} />
      case 'call':
        return <CallView call={item} />
      case 'question':
        return <QuestionLine question={item} />
      case 'end':
        return <EndLine end={item} isSaid={before?.kind === 'text' && before.text === item.text} />
      default: {
        const words = item.kind === 'gap' ? 'Something is missing here.' : wordsOf(item.event)
        return words === undefined ? undefined : <p class="note">{words}</p>
      }
    }
  }
}

function PromptView({ prompt: { seq, text, steers, attachments } }: { prompt: Prompt }) {
  return (
    <article class="prompt" data-seq={seq}>
      {steers && <small>meanwhile</small>}
      <p>{text}</p>
      {attachments.map((one) => (
        <Attachment key={one.attachment_id} one={one} />
      ))}
      {!steers && <PromptMenu seq={seq} text={text} />}
    </article>
  )
}

function CallView({ call }: { call: ToolCall }) {
  const { id, seq, tool, input, state } = call
  const isRunning = state === 'running'
  return (
    <Folded
      class={`call ${state}`}
      seq={seq}
      summary={
        <>
          <b>{tool}</b> <span class="gist">{gist(folder.value, tool, input)}</span>
          {state === 'failed' && <span class="failed"> failed</span>}
          {state === 'cut' && <span class="failed"> not finished</span>}
          {isRunning && <Working id={id} />}
        </>
      }
      // While it waits for a person, the card below shows the same.
      key={isRunning ? 'running' : 'over'}
      isOpen={CHANGES.has(tool) && !isRunning}
      body={() => <CallBody call={call} />}
    />
  )
}

/** What is worth seeing at once: it changes files. */
const CHANGES = new Set(['Edit', 'Write', 'MultiEdit'])

function CallBody({ call: { id, tool, input, state, result } }: { call: ToolCall }) {
  const { text, images } = readResult(result)
  // That a change was made is no news below the change.
  const isNews = text !== '' && !(CHANGES.has(tool) && state === 'done')
  return (
    <>
      <WhatHappens tool={tool} input={input} />
      <Nested id={id} />
      {isNews && <Plain text={text} label="Result" />}
      {images.map((source, at) => (
        <img key={at} src={source} alt="From the tool" loading="lazy" />
      ))}
    </>
  )
}

/** So many pages of what an agent has done are drawn at first, and more when somebody asks. */
const NESTED_PAGES = 3

/** What an agent does that was called. It grows by itself, while the call stays what it is. */
function Nested({ id }: { id: string }) {
  const [count, setCount] = useState(NESTED_PAGES)
  const entries = useComputed(() => shown.value.agents.get(id)).value
  if (entries === undefined) return undefined
  const drawn = entries.pages.slice(-count).flat()
  const earlier = entries.length - drawn.length
  return (
    <div class="nested">
      {earlier > 0 && (
        <button type="button" class="quiet" onClick={() => setCount(count + NESTED_PAGES)}>
          {earlier} earlier
        </button>
      )}
      {drawn.map((item) => (
        <ItemView key={item.key} item={item} before={undefined} />
      ))}
      <DraftsOf agent={id} />
    </div>
  )
}

/** How long a call has taken so far, where the agent says so. */
function Working({ id }: { id: string }) {
  const seconds = useComputed(() => shown.value.drafts.progress.get(id)?.['elapsed_time_seconds']).value
  return <span class="working"> {typeof seconds === 'number' ? `${Math.round(seconds)} s …` : '…'}</span>
}

interface FoldedProps {
  readonly class: string
  readonly seq: number
  readonly summary: ComponentChildren
  readonly isOpen?: boolean
  readonly body: () => ComponentChildren
}

/** What is folded is not drawn: most of it is never looked at. */
function Folded({ class: name, seq, summary, isOpen = false, body }: FoldedProps) {
  const [isNowOpen, setOpen] = useState(isOpen)
  return (
    <details class={name} data-seq={seq} open={isNowOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{summary}</summary>
      {isNowOpen && <div class="body">{body()}</div>}
    </details>
  )
}

function QuestionLine({ question: { seq, tool, input, state, by, message } }: { question: Question }) {
  const isAnswered = state === 'allowed' || state === 'denied'
  return (
    <p class={`note ${QUESTIONS[state].looks}`} data-seq={seq}>
      {QUESTIONS[state].words}
      {isAnswered && by !== undefined && ` by ${whoIs(by)}`}
      {/* What waits is on its card. */}
      {state !== 'pending' && ` · ${tool}: ${gist(folder.value, tool, input)}`}
      {message !== undefined && message !== '' && <q>{message}</q>}
    </p>
  )
}

const QUESTIONS = {
  pending: { words: 'Waits for you', looks: 'asked' },
  allowed: { words: 'Allowed', looks: 'allow' },
  denied: { words: 'Denied', looks: 'deny' },
  expired: { words: 'Nobody answered', looks: 'deny' },
  cancelled: { words: 'Withdrawn', looks: 'deny' },
} as const

/** `isSaid`: the agent itself has said just before what went wrong. */
function EndLine({ end, isSaid }: { end: End; isSaid: boolean }) {
  const { seq, begun, isError, text, subtype, durationMs, costUsd = 0 } = end
  const reason = isSaid ? 'Failed' : text || subtype
  const facts = [durationMs === undefined ? '' : duration(durationMs), costUsd > 0 ? money(costUsd) : '']
  const said = facts.filter((fact) => fact !== '').join(' · ')
  return (
    <p class={`end ${isError ? 'error' : ''}`} data-seq={seq}>
      {isError ? reason : 'Done'}
      {said !== '' && <span class="facts">{said}</span>}
      <RunLink begun={begun} />
    </p>
  )
}

/** Something that came with a prompt. It is fetched here: an address alone could not carry the token. */
function Attachment({ one }: { one: Prompt['attachments'][number] }) {
  const { attachment_id: id, name, media_type: type, bytes } = one
  const [source, setSource] = useState<string>()
  const isImage = type.startsWith('image/')
  useEffect(() => {
    if (!isImage) return undefined
    const over = new AbortController()
    let made: string | undefined
    client
      .uploaded(id, undefined, { signal: over.signal })
      .then((blob) => setSource((made = URL.createObjectURL(blob))))
      .catch(() => setSource(undefined))
    return () => {
      over.abort()
      if (made !== undefined) URL.revokeObjectURL(made)
    }
  }, [id, isImage])
  if (source !== undefined) return <img src={source} alt={name ?? 'Attached picture'} />
  return (
    <span class="file">
      {name ?? type} <small>{Math.ceil(bytes / 1024)} KB</small>
    </span>
  )
}
