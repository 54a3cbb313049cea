import { Component, type ComponentChildren, type JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Attached } from '../model/events.ts'
import type { Call, Item } from '../model/transcript.ts'
import { request } from '../wire/service.ts'
import { gist, whoIs } from '../words.ts'
import { Markdown, Plain, WhatHappens } from './code.tsx'
import { PromptMenu } from './prompt/menu.tsx'
import { RunLink } from './run/link.tsx'

/** One thing that was said or done. It is drawn again when its version says so, not when its neighbours change. */
export class ItemView extends Component<{ item: Item; version: number }> {
  override shouldComponentUpdate(next: { item: Item; version: number }): boolean {
    return next.item !== this.props.item || next.version !== this.props.version
  }

  override render(): JSX.Element {
    const { item } = this.props
    switch (item.kind) {
      case 'prompt':
        return (
          <article class="prompt" data-seq={item.seq}>
            {item.steers && <small>meanwhile</small>}
            <p>{item.text}</p>
            {item.attached.map((one) => (
              <Attachment key={one.attachment_id} one={one} />
            ))}
            {!item.steers && <PromptMenu seq={item.seq} text={item.text} />}
          </article>
        )
      case 'answer':
        return (
          <article class="answer" data-seq={item.seq}>
            <Markdown text={item.text} />
          </article>
        )
      case 'thinking':
        return <Folded class="thinking" seq={item.seq} summary="Thought" body={() => <p>{item.text}</p>} />
      case 'call':
        return <CallView call={item} version={item.version} />
      case 'question':
        return <QuestionLine item={item} />
      case 'note':
        return <p class="note">{item.text}</p>
      default:
        return (
          <p class={`end ${item.isError ? 'error' : ''}`} data-seq={item.seq}>
            {item.isError ? item.text || item.subtype : 'Done'}
            {item.facts !== '' && <span class="facts"> · {item.facts}</span>}
            <RunLink begun={item.begun} />
          </p>
        )
    }
  }
}

function CallView({ call }: { call: Call; version: number }) {
  const { tool, input, result, children } = call
  const state = result === undefined ? 'open' : result.isError ? 'failed' : 'done'
  return (
    <Folded
      class={`call ${state}`}
      seq={call.seq}
      summary={
        <>
          <b>{tool}</b> <span class="gist">{gist(tool, input)}</span>
          {state === 'failed' && <span class="failed"> failed</span>}
          {state === 'open' && <span class="working"> …</span>}
        </>
      }
      // While it waits for a person, the card below shows the same.
      key={state === 'open' ? 'open' : 'over'}
      isOpen={CHANGES.has(tool) && state !== 'open'}
      body={() => (
        <>
          <WhatHappens tool={tool} input={input} />
          {children.length > 0 && (
            <div class="nested">
              {children.map((item, at) => (
                <ItemView key={at} item={item} version={item.version} />
              ))}
            </div>
          )}
          {result !== undefined && result.text !== '' && <Plain text={result.text} label="Result" />}
          {result?.images.map((source, at) => (
            <img key={at} src={source} alt="From the tool" loading="lazy" />
          ))}
        </>
      )}
    />
  )
}

/** What is worth seeing at once: it changes files. */
const CHANGES = new Set(['Edit', 'Write', 'MultiEdit'])

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

function QuestionLine({ item: { question, settled, seq } }: { item: Extract<Item, { kind: 'question' }> }) {
  const what = `${question.tool_name}: ${gist(question.tool_name, question.input)}`
  if (settled === undefined)
    return (
      <p class="note asked" data-seq={seq}>
        Waits for you · {what}
      </p>
    )
  const { how, behavior, by, message } = settled
  const words =
    how === 'answered'
      ? behavior === 'allow'
        ? 'Allowed'
        : 'Denied'
      : how === 'expired'
        ? 'Nobody answered'
        : 'Withdrawn'
  return (
    <p class={`note ${behavior}`} data-seq={seq}>
      {words}
      {how === 'answered' && ` by ${whoIs(by)}`} · {what}
      {message !== undefined && message !== '' && <q>{message}</q>}
    </p>
  )
}

/** Something that came with a prompt. It is fetched here: an address alone could not carry the token. */
function Attachment({ one: { attachment_id: id, name, media_type: type, bytes } }: { one: Attached }) {
  const [source, setSource] = useState<string>()
  const isImage = type.startsWith('image/')
  useEffect(() => {
    if (!isImage) return undefined
    const over = new AbortController()
    let made: string | undefined
    request(`v1/uploads/${id}`, { signal: over.signal })
      .then((response) => response.blob())
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
