import type { Span, Stretch } from './spans.ts'

const SHARES = ['tool', 'model', 'wait', 'start', 'rest'] as const
export type Share = (typeof SHARES)[number]

/** Each moment goes to the first of `SHARES` that something was at. What an agent does counts as what it is. */
export function sharesOf(spans: readonly Span[], { from, to }: Stretch): Record<Share, number> {
  const edges: { at: number; share: Share; by: 1 | -1 }[] = []
  const note = (share: Share, stretch: Stretch, sign: 1 | -1 = 1) => {
    edges.push({ at: stretch.from, share, by: sign })
    edges.push({ at: stretch.to, share, by: sign === 1 ? -1 : 1 })
  }
  for (const span of spans) {
    if (span.kind !== 'agent') note(span.kind, span)
    // While it waits for a person, a tool is not at work.
    for (const wait of span.waits) {
      if (span.kind === 'tool') note('tool', wait, -1)
      if (span.kind !== 'wait') note('wait', wait)
    }
  }
  edges.push({ at: from, share: 'rest', by: 1 }, { at: to, share: 'rest', by: -1 })
  edges.sort((a, b) => a.at - b.at)
  const shares = { tool: 0, model: 0, wait: 0, start: 0, rest: 0 }
  const going = { ...shares }
  let before = from
  for (const { at, share, by } of edges) {
    const doing = SHARES.find((one) => going[one] > 0)
    if (doing !== undefined) shares[doing] += at - before
    before = at
    going[share] += by
  }
  return shares
}
