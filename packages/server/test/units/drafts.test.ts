import { expect, it } from 'vitest'
import type { RunId } from '@claude-proxy/protocol/ids'
import { readPartial } from '../../src/agents/claude/partial.ts'
import { Drafts, type Seen } from '../../src/core/partials/drafts.ts'
import { createPartials } from '../../src/core/partials/partials.ts'
import type { PartialUpdate } from '../../src/core/ports/partial.ts'
import type { Run } from '../../src/core/ports/run.ts'
import type { Piece } from '../support/onlooker.ts'

const begins: PartialUpdate = { kind: 'message', parent: null }
const block = (n = 0, parent: string | null = null): PartialUpdate => ({
  kind: 'block',
  parent,
  block: n,
  about: { kind: 'text' },
  text: '',
})
const more = (text: string, n = 0, parent: string | null = null): PartialUpdate => ({
  kind: 'more',
  parent,
  block: n,
  text,
})
const status = (name: 'requesting' | null): PartialUpdate => ({ kind: 'status', status: name && { status: name } })

/** Drafts, and a reader of them that tells what it gets in a word or two. */
function drawn(...updates: PartialUpdate[]) {
  const drafts = new Drafts('r' as RunId)
  const reader = () => {
    let seen: Seen = new Map()
    return () => {
      const news = drafts.newsFor(seen, 7)
      seen = news.seen
      return news.lines.map((line) => describe(JSON.parse(line)))
    }
  }
  const apply = (...next: PartialUpdate[]) => next.forEach((update) => drafts.apply(update))
  apply(...updates)
  return { drafts, reader, apply }
}

function describe({ kind, status: at, tool_use_id: id, elapsed_time_seconds: seconds, ...piece }: Piece): string {
  if (kind === 'status') return `status ${String(at)}`
  if (kind === 'tool_progress') return `${kind} ${String(id)} ${String(seconds)}`
  return `${kind} ${piece.block} at ${piece.offset}: ${piece.text}`
}

it('a reader gets what there is, and then only what is new', () => {
  const { reader, apply } = drawn(begins, block(), more('One, '), more('two, '))
  const read = reader()
  expect(read()).toEqual(['text 0 at 0: One, two, '])
  expect(read()).toEqual([])
  apply(more('three.'))
  expect(read()).toEqual(['text 0 at 10: three.'])
  expect(reader()()).toEqual(['text 0 at 0: One, two, three.'])
})

it('a piece says of which run it is and which event it follows', () => {
  const { drafts } = drawn(begins, block(2, 'toolu_1'), more('Hi', 2, 'toolu_1'))
  const [line = ''] = drafts.newsFor(new Map(), 7).lines
  expect(JSON.parse(line)).toEqual({
    kind: 'text',
    run_id: 'r',
    after: 7,
    parent_tool_use_id: 'toolu_1',
    block: 2,
    offset: 0,
    text: 'Hi',
  })
})

it('an event takes off what was written under its parent, and nothing else', () => {
  const { drafts, reader } = drawn(block(0), more('mine'), block(0, 'toolu_1'), more('its', 0, 'toolu_1'))
  drafts.supersede({ type: 'assistant', parent_tool_use_id: 'toolu_1' })
  expect(reader()()).toEqual(['text 0 at 0: mine'])
  drafts.supersede({ type: 'system', subtype: 'task_started' })
  expect(reader()()).toEqual(['text 0 at 0: mine'])
  drafts.supersede({ type: 'assistant', parent_tool_use_id: null })
  expect(reader()()).toEqual([])
})

it('a message that comes to nothing is taken back from those who have seen of it', () => {
  const { reader, apply } = drawn(begins, block(), more('Half a'))
  const read = reader()
  read()
  apply(begins)
  expect(read()).toEqual(['text 0 at 0: null'])
  expect(reader()()).toEqual([])
  apply(begins, block(), more('Whole.'))
  expect(read()).toEqual(['text 0 at 0: Whole.'])
})

it('a piece of a block whose beginning was not seen is not shown', () => {
  const { reader } = drawn(more('the end of something'))
  expect(reader()()).toEqual([])
})

it('half a character waits for its other half', () => {
  const [high = '', low = ''] = '🙂'.split('')
  const { reader, apply } = drawn(block(), more(`a${high}`))
  const read = reader()
  expect(read()).toEqual(['text 0 at 0: a'])
  apply(more(low))
  expect(read()).toEqual(['text 0 at 1: 🙂'])
})

it('a text that is too long stops growing, and goes on in its event', () => {
  const { reader, apply } = drawn(block(), more('x'.repeat(300_000)))
  const read = reader()
  expect(read()[0]).toHaveLength('text 0 at 0: '.length + 256 * 1024)
  apply(more('y'))
  expect(read()).toEqual([])
})

it('what a run shows has a limit, which events make room in', () => {
  const { drafts, reader, apply } = drawn()
  for (let n = 0; n < 8; n++) apply(block(n, `toolu_${n}`), more('x'.repeat(300_000), n, `toolu_${n}`))
  const length = () => reader()().join('').length
  expect(length()).toBeLessThan(1024 * 1024 + 1000)
  for (let n = 0; n < 8; n++) drafts.supersede({ type: 'assistant', parent_tool_use_id: `toolu_${n}` })
  apply(block(), more('x'.repeat(300_000)))
  expect(length()).toBeGreaterThan(256 * 1024)
  for (let n = 1; n < 1000; n++) apply(block(n), more('x', n))
  expect(reader()()).toHaveLength(200)
})

it('beyond that limit a heartbeat is not shown either, and one that is shown goes on', () => {
  const { reader, apply } = drawn()
  const beat = (id: string, seconds: number) =>
    apply({
      kind: 'state',
      id,
      about: { kind: 'tool_progress', tool_use_id: id, elapsed_time_seconds: seconds },
    } as never)
  for (let n = 0; n < 1000; n++) beat(`toolu_${n}`, 1)
  const read = reader()
  expect(read()).toHaveLength(200)
  beat('toolu_0', 2)
  beat('toolu_999', 2)
  expect(read()).toEqual(['tool_progress toolu_0 2'])
})

it('a prompt amid a run, in whatever form, ends no heartbeat', () => {
  const { drafts, reader, apply } = drawn()
  apply({ kind: 'state', id: 'toolu_1', about: { kind: 'tool_progress', tool_use_id: 'toolu_1' } } as never)
  for (const message of [{ content: 'toolu_1' }, {}, undefined]) drafts.supersede({ type: 'user', message })
  drafts.supersede({ type: 'user', message: { content: [null, { type: 'text' }] } })
  expect(reader()()).toHaveLength(1)
  drafts.supersede({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] } })
  expect(reader()()).toEqual([])
})

it('what the agent is at is told until something comes of it', () => {
  const { drafts, reader, apply } = drawn(status('requesting'))
  const read = reader()
  expect(read()).toEqual(['status requesting'])
  apply(begins, status(null))
  expect(read()).toEqual(['status null'])
  expect(reader()()).toEqual([])
  apply(status('requesting'))
  drafts.supersede({ type: 'assistant', parent_tool_use_id: null })
  expect(read()).toEqual([])
})

it('a heartbeat is about its call, whose result ends it', () => {
  const heartbeat = {
    type: 'tool_progress',
    tool_use_id: 'toolu_1-heartbeat-0',
    parent_tool_use_id: 'toolu_1',
    tool_name: 'Bash',
    elapsed_time_seconds: 30,
  }
  const { drafts, reader, apply } = drawn(readPartial(heartbeat, 0) ?? begins)
  const read = reader()
  expect(read()).toEqual(['tool_progress toolu_1 30'])
  apply(readPartial({ ...heartbeat, elapsed_time_seconds: 60 }, 0) ?? begins)
  expect(read()).toEqual(['tool_progress toolu_1 60'])
  drafts.supersede({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }] } })
  expect(reader()()).toEqual([])
})

it('a retry says when it will be, however long the API wants to be left alone', () => {
  const retry = { type: 'system', subtype: 'api_retry', attempt: 2, max_retries: 10, error_status: 529 }
  const at = (delay: unknown) => readPartial({ ...retry, retry_delay_ms: delay }, 0)
  expect(at(4000)).toMatchObject({
    status: { status: 'retrying', attempt: 2, retry_delay_ms: 4000, retry_at: '1970-01-01T00:00:04.000Z' },
  })
  expect(at(1e300)).toMatchObject({ status: { retry_at: '1970-01-02T00:00:00.000Z' } })
  expect(at('soon')).toMatchObject({ status: { retry_at: '1970-01-01T00:00:00.000Z' } })
})

it.each([
  { type: 'assistant' },
  { type: 'system', subtype: 'init' },
  { type: 'stream_event' },
  {
    type: 'stream_event',
    event: { type: 'content_block_start', index: 0, content_block: { type: 'redacted_thinking' } },
  },
  { type: 'stream_event', event: { type: 'content_block_delta', index: 0, delta: { signature: 'x' } } },
  { type: 'stream_event', event: { type: 'message_delta' } },
])('nothing is shown of %j', (message) => {
  expect(readPartial(message, 0)).toBeUndefined()
})

it('who does not have an event yet is shown nothing of what follows it', () => {
  const partials = createPartials(0)
  const run = { conversation: 'c', id: 'r', first: 3 } as Run
  const sketch = partials.begin(run)
  using onlooker = partials.open(run.conversation, () => {})
  sketch.supersede({ type: 'assistant' })
  sketch.show(block())
  sketch.show(more('Hi'))
  expect(onlooker.news(3)).toEqual([])
  sketch.settle(4)
  expect(onlooker.news(3)).toEqual([])
  expect(onlooker.news(4)).toHaveLength(1)
})

it('nobody is woken for another conversation, for nothing, or more often than the pace', async () => {
  const partials = createPartials(20)
  const run = { conversation: 'c', id: 'r', first: 1 } as Run
  let woken = 0
  using _ = partials.open(run.conversation, () => woken++)
  const sketch = partials.begin(run)
  const other = partials.begin({ ...run, conversation: 'd', id: 's' } as Run)
  other.show(block())
  expect(woken).toBe(0)
  for (let n = 0; n < 100; n++) sketch.show(more('x'))
  expect(woken).toBe(1)
  await expect.poll(() => woken).toBe(2)
  sketch.close()
  other.close()
})

it('what a run shows late takes nothing from the run that has followed it', () => {
  const partials = createPartials(0)
  const run = { conversation: 'c', id: 'r', first: 3 } as Run
  using onlooker = partials.open(run.conversation, () => {})
  const late = partials.begin(run)
  const sketch = partials.begin({ ...run, id: 's' as RunId, first: 7 })
  sketch.show(block())
  sketch.show(more('new'))
  late.show(more(' old'))
  late.supersede({ type: 'assistant', parent_tool_use_id: null })
  late.settle(99)
  late.close()
  const [line = ''] = onlooker.news(7)
  expect(JSON.parse(line)).toMatchObject({ run_id: 's', after: 7, text: 'new' })
  sketch.close()
})

it('who was the last to look, and leaves twice, takes nothing from those who have come since', () => {
  const partials = createPartials(0)
  const run = { conversation: 'c', id: 'r', first: 3 } as Run
  const first = partials.open(run.conversation, () => {})
  first[Symbol.dispose]()
  let woken = 0
  using _ = partials.open(run.conversation, () => woken++)
  first[Symbol.dispose]()
  partials.begin(run).show(block())
  expect(woken).toBe(1)
})
