import { signal } from '@preact/signals'
import { diffLines } from 'diff'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { toNodes } from '../markdown.ts'
import { folder } from '../session.ts'
import { createSlices } from '../slices.ts'
import { pathFrom } from '../words.ts'

export type Input = Readonly<Record<string, unknown>>

/** From here on the parser would take longer than a person reads. */
const LONG = 100_000

/** Loaded beside the page, which can be there without; until then text stands as it is. */
const parser = signal<typeof toNodes | undefined>(undefined)
void import('../markdown.ts').then(({ toNodes: parse }) => {
  // The first text takes as long as many that follow, whatever is in it: not while a person waits for a page of them.
  parse('A *word*, `code`.\n\n- and a list')
  parser.value = parse
})

/** A page of a conversation comes at once, and all its texts with it: to read them takes longer than a frame. */
const inSlices = createSlices()

export function Markdown({ text }: { text: string }) {
  const parse = parser.value
  const root = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const { current } = root
    if (!current) return undefined
    // Until its turn comes, what stood there before stays.
    if (!parse || !current.hasChildNodes()) current.replaceChildren(text)
    return parse && inSlices(() => show(current, parse(text)))
  }, [text, parse])
  return text.length > LONG ? <Plain text={text} /> : <div ref={root} class="markdown" />
}

function show(root: HTMLElement, nodes: DocumentFragment): void {
  root.replaceChildren(nodes)
  if (root.querySelector('code[class^="language-"]'))
    void import('../highlight.ts').then(({ highlight }) => highlight(root))
}

/** Text as it is, in a box that scrolls; a keyboard can get into it. */
export function Plain({ text, label = 'Text' }: { text: string; label?: string }) {
  const cut = text.length > LONG ? `${text.slice(0, LONG)}\n… ${text.length - LONG} more characters` : text
  return (
    <pre class="plain" tabIndex={0} role="region" aria-label={label}>
      {cut}
    </pre>
  )
}

/** What a tool call will do, or has done: the command, the change, or the input as it is. */
export function WhatHappens({ tool, input }: { tool: string; input: Input }) {
  const { command, description, old_string: before, new_string: after, content, edits, ...rest } = input
  const path = typeof input['file_path'] === 'string' ? input['file_path'] : undefined
  if (typeof command === 'string')
    return (
      <>
        {typeof description === 'string' && <p class="why">{description}</p>}
        <Plain text={command} label="Command" />
      </>
    )
  if (tool === 'Edit' && typeof before === 'string' && typeof after === 'string')
    return <Diff path={path} before={before} after={after} />
  if (tool === 'Write' && typeof content === 'string') return <Diff path={path} before="" after={content} />
  if (Array.isArray(edits))
    return (edits as { old_string?: string; new_string?: string }[]).map(({ old_string = '', new_string = '' }, at) => (
      <Diff key={at} path={path} before={old_string} after={new_string} />
    ))
  const all = {
    ...rest,
    ...(command !== undefined && { command }),
    ...(content !== undefined && { content }),
    ...(description !== undefined && { description }),
  }
  return <Plain text={JSON.stringify(all, undefined, 2)} label="Input" />
}

const MOST_DIFFED = 40_000

function Diff({ path, before, after }: { path: string | undefined; before: string; after: string }) {
  const parts = useMemo(() => {
    const isLong = before.length + after.length > MOST_DIFFED
    // Two long texts that share little would take seconds.
    return isLong
      ? [
          { value: before, removed: true, added: false },
          { value: after, added: true, removed: false },
        ]
      : diffLines(before, after)
  }, [before, after])
  return (
    <figure class="diff">
      {path !== undefined && <figcaption>{pathFrom(folder.value, path)}</figcaption>}
      <pre tabIndex={0} role="region" aria-label={`Change${path === undefined ? '' : ` of ${path}`}`}>
        {parts.map(({ value, added, removed }, part) => {
          const sign = added ? '+' : removed ? '-' : ' '
          const lines = value.replace(/\n$/, '').split('\n')
          if (value === '') return undefined
          return lines.map((line, at) => (
            <span key={`${part} ${at}`} class={added ? 'added' : removed ? 'removed' : ''}>
              {`${sign} ${line}\n`}
            </span>
          ))
        })}
      </pre>
    </figure>
  )
}
