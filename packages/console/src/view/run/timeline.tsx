import { useState } from 'preact/hooks'
import { duration } from '../../amounts.ts'
import { addressOf } from '../../route.ts'
import type { Share } from './shares.ts'
import type { Span, Stretch, Timeline } from './spans.ts'

const SHARE_NAMES: Readonly<Record<Share, string>> = {
  model: 'Model',
  tool: 'Tools',
  wait: 'Waiting for you',
  start: 'Starting',
  rest: 'Everything else',
}

/** Most runs have less; more at once would stand still while they are drawn. */
const AT_ONCE = 300

/** What took how long: a sum, then a bar for each thing on one scale of time. */
export function TimelineView({ id, timeline }: { id: string; timeline: Timeline }) {
  const [most, setMost] = useState(AT_ONCE)
  const { spans, shares } = timeline
  const known = (Object.keys(SHARE_NAMES) as Share[]).filter((share) => shares[share] > 0)
  return (
    <section class="timeline" aria-label="What took how long">
      <h2>What took how long</h2>
      <div class="shares" aria-hidden="true">
        {known.map((share) => (
          <span key={share} class={`of-${share}`} style={{ flexGrow: shares[share] }} />
        ))}
      </div>
      <ul class="legend">
        {known.map((share) => (
          <li key={share}>
            <span class={`swatch of-${share}`} aria-hidden="true" /> {SHARE_NAMES[share]}{' '}
            <b>{duration(shares[share])}</b>
          </li>
        ))}
      </ul>
      <ol class="spans">
        {spans.slice(0, most).map((span) => (
          <Row key={`${span.seq} ${span.from}`} id={id} span={span} whole={timeline} />
        ))}
      </ol>
      {spans.length > most && (
        <button type="button" onClick={() => setMost(most + 10 * AT_ONCE)}>
          Show more ({spans.length - most})
        </button>
      )}
    </section>
  )
}

function Row({ id, span, whole }: { id: string; span: Span; whole: Stretch }) {
  const { kind, name, about, state, seq, depth, waits } = span
  const waited = waits.reduce((sum, { from, to }) => sum + to - from, 0)
  return (
    <li class={`span is-${state}`}>
      <a href={addressOf(id, seq)} style={{ paddingLeft: `${Math.min(depth, 6) * 14}px` }}>
        <b>{name}</b> <span class="gist">{about}</span>
        <span class="took">
          {state !== 'done' && <b>{STATES[state]} · </b>}
          {duration(span.to - span.from)}
          {waited > 0 && kind !== 'wait' && <small> · {duration(waited)} waiting for you</small>}
        </span>
      </a>
      <div class="track" aria-hidden="true">
        <Piece class={`of-${kind}`} stretch={span} whole={whole} />
        {waits.map((wait) => (
          <Piece key={wait.from} class="of-wait" stretch={wait} whole={whole} />
        ))}
      </div>
    </li>
  )
}

const STATES = { open: 'not over', failed: 'failed', cut: 'cut off' } as const

function Piece({ class: name, stretch, whole }: { class: string; stretch: Stretch; whole: Stretch }) {
  const percent = (ms: number) => `${(100 * ms) / Math.max(1, whole.to - whole.from)}%`
  return (
    <span
      class={`piece ${name}`}
      style={{ left: percent(stretch.from - whole.from), width: percent(stretch.to - stretch.from) }}
    />
  )
}
