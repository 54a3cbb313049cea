import type { Draft } from '@claude-proxy/client/view'
import { useComputed } from '@preact/signals'
import { blocksOf } from '../blocks.ts'
import { shown } from '../session.ts'
import { Markdown } from './code.tsx'

/** What an agent is writing, and what it is at while it writes nothing; null: the main one. */
export function DraftsOf({ agent }: { agent: string | null }) {
  const drafts = useComputed(() => shown.value.drafts).value
  const own = [...drafts.texts.values()].filter((draft) => draft.agent === agent)
  const status = agent === null && own.length === 0 ? drafts.status?.status : undefined
  return (
    <>
      {own.map((draft) => (
        <DraftView key={draft.block} draft={draft} />
      ))}
      {typeof status === 'string' && <p class="note working">{status}…</p>}
    </>
  )
}

function DraftView({ draft: { kind, tool, text } }: { draft: Draft }) {
  if (kind === 'text')
    return (
      <article class="answer draft">
        {blocksOf(text).map((block, at) => (
          <Markdown key={at} text={block} />
        ))}
      </article>
    )
  return <p class="note working">{kind === 'thinking' ? 'Thinking…' : `${tool ?? 'Tool'}: ${text.slice(-200)}`}</p>
}
