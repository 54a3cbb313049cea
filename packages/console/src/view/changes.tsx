import { createRunDiff } from '@claude-proxy/protocol/run-diff'
import { useMemo } from 'preact/hooks'
import { counted } from '../amounts.ts'
import { Patch } from './patch.tsx'
import type { Numbered } from './run/spans.ts'

/** What was done to files, as the events tell it (PROTOCOL.md 3.20). */
export function Changes({ title, events }: { title: string; events: readonly Numbered[] }) {
  const { files, unknown, isCut } = useMemo(() => {
    const diff = createRunDiff()
    for (const { seq, event } of events) diff.take(seq, event)
    return diff.result()
  }, [events])
  return (
    <section class="changes" aria-label={title}>
      <h2>{title}</h2>
      {files.length === 0 && <p class="about">No file was changed by the tools that edit files.</p>}
      {files.map(({ path, isNew, additions, deletions, edits }) => (
        <details key={path} open={files.length < 4}>
          <summary>
            <span class="gist">{path}</span>
            <span class="about">
              {isNew && ' new'} <span class="plus">+{additions}</span> <span class="minus">−{deletions}</span>
            </span>
          </summary>
          {edits.map(({ seq, patch }) => (
            <Patch key={seq} path={path} patch={patch} />
          ))}
        </details>
      ))}
      {unknown.length > 0 && (
        <p class="about">
          What {unknown.map(({ tool, calls }) => `${tool} (${counted(calls, 'call')})`).join(', ')} did to files is not
          known.
        </p>
      )}
      {isCut && <p class="about">There was more than can be shown.</p>}
    </section>
  )
}
