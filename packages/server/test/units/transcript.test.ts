import { createHtml } from '@claude-proxy/protocol/transcript/html'
import { createJson } from '@claude-proxy/protocol/transcript/json'
import { createMarkdown } from '@claude-proxy/protocol/transcript/markdown'
import type { Renderer } from '@claude-proxy/protocol/transcript/renderer'
import { joined, shorten } from '@claude-proxy/protocol/transcript/text'
import { createTurns, type Entry } from '@claude-proxy/protocol/transcript/turns'
import type { Conversation } from '../../src/core/ports/conversation.ts'
import { transcriptOf } from '../../src/core/transcript.ts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** Events as the real agent's become them, without what nobody reads. */
const own = { session_id: 'f3f5d48c', uuid: '3e70c42e' }
const prompt = (text: string, more = {}) => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'text', text }] },
  ...more,
  timestamp: '2026-11-23T05:48:52.565Z',
})
const says = (text: string, parent: string | null = null) => ({
  type: 'assistant',
  message: { role: 'assistant', content: [{ type: 'text', text }] },
  parent_tool_use_id: parent,
  ...own,
})
const calls = (id: string, name: string, input: object, parent: string | null = null) => ({
  type: 'assistant',
  message: { role: 'assistant', content: [{ type: 'tool_use', id, name, input }] },
  parent_tool_use_id: parent,
  ...own,
})
const gives = (id: string, content: unknown, isError = false) => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content, is_error: isError }] },
  parent_tool_use_id: null,
  ...own,
})
const ends = (result: string, more = {}) => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  duration_ms: 583,
  num_turns: 9,
  total_cost_usd: 0.0123,
  result,
  ...own,
  ...more,
})

function read(events: readonly unknown[]): Entry[] {
  const turns = createTurns()
  return events.flatMap((event, n) => turns.take(n + 1, event))
}

function render(renderer: Renderer, events: readonly unknown[], title = 'A talk'): string {
  const about = { conversationId: 'c-1', title, folder: '/srv/project', createdAt: '2026-11-23T05:48:52.565Z' }
  const entries = read(events).map((entry) => renderer.entry(entry))
  return renderer.head(about) + entries.join('') + renderer.foot(events.length)
}

const kinds = (events: readonly unknown[]) => read(events).map(({ turn, depth, what }) => [turn, depth, what.kind])

describe('a reading', () => {
  it('goes from prompt to result, turn by turn', () => {
    const events = [prompt('One'), says('1'), ends('1'), prompt('Two'), says('2'), ends('2')]
    expect(kinds(events)).toEqual([
      [1, 0, 'prompt'],
      [1, 0, 'answer'],
      [1, 0, 'end'],
      [2, 0, 'prompt'],
      [2, 0, 'answer'],
      [2, 0, 'end'],
    ])
  })

  it('names the tool of each result, also of calls that were made together', () => {
    const events = [
      calls('a', 'Bash', { command: 'ls' }),
      calls('b', 'Read', { file_path: '/x' }),
      gives('b', [{ type: 'text', text: 'text' }]),
      gives('a', 'no', true),
    ]
    expect(read(events).map(({ what }) => what)).toMatchObject([
      { kind: 'call', tool: 'Bash', summary: 'ls', text: { text: 'ls' } },
      { kind: 'call', tool: 'Read', summary: '/x' },
      { kind: 'outcome', tool: 'Read', isError: false, text: { text: 'text' } },
      { kind: 'outcome', tool: 'Bash', isError: true, text: { text: 'no' } },
    ])
  })

  it('sets agents in below the call that made them, one below the other', () => {
    const events = [calls('a', 'Task', {}), calls('b', 'Task', {}, 'a'), says('Deep', 'b'), says('Up again')]
    expect(kinds(events).map(([, depth]) => depth)).toEqual([0, 1, 2, 0])
  })

  it('names what came with a prompt, whatever the names are', () => {
    const attachments = [
      { name: 'a.png', media_type: 'image/png' },
      { name: null, media_type: 'text/plain' },
    ]
    const [first, note] = read([prompt('', { attachments })])
    expect(first?.what).toMatchObject({ kind: 'prompt', text: { text: '' } })
    expect(note?.what).toMatchObject({ text: { text: 'Attached: a.png (image/png), no name (text/plain).' } })
    for (const odd of ['x', {}, [], null])
      expect(kinds([prompt('Hi', { attachments: odd })])).toEqual([[1, 0, 'prompt']])
    expect(kinds([prompt('Hi', { attachments: [null, 5, {}] })])).toEqual([
      [1, 0, 'prompt'],
      [1, 0, 'note'],
    ])
  })

  it('tells a prompt from what the agent says to itself', () => {
    expect(kinds([prompt('Hello')])).toEqual([[1, 0, 'prompt']])
    expect(kinds([prompt('[Request interrupted by user]', own)])).toEqual([[1, 0, 'note']])
    expect(read([prompt('Go left', { steer: true, prompt_id: 'x' })])[0]?.what).toMatchObject({ steers: true })
  })

  it('says what was asked, what came of it and who decided', () => {
    const events = [
      { type: 'tool_permission', permission_id: 'p', tool_name: 'Bash', input: { command: 'rm -rf x' } },
      {
        type: 'tool_permission_settled',
        permission_id: 'p',
        how: 'answered',
        behavior: 'deny',
        by: 'phone/1',
        message: 'No.',
      },
    ]
    expect(read(events).map(({ what }) => what)).toMatchObject([
      { kind: 'asked', tool: 'Bash', summary: 'rm -rf x' },
      { kind: 'settled', tool: 'Bash', how: 'answered', behavior: 'deny', by: 'phone/1', message: { text: 'No.' } },
    ])
    expect(render(createMarkdown(), events)).toContain('**Denied: Bash (by phone/1)**')
  })

  it('does not say the last answer twice, and says why a run failed', () => {
    expect(read([says('Done.'), ends('Done.')])[1]?.what).toMatchObject({
      kind: 'end',
      text: undefined,
      sessionCostUsd: 0.0123,
    })
    const failed = read([says('Hm'), ends('Stopped by a person.', { subtype: 'interrupted', is_error: true })])
    expect(failed[1]?.what).toMatchObject({
      isError: true,
      subtype: 'interrupted',
      text: { text: 'Stopped by a person.' },
    })
  })

  it('names images and does not print them', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(4000) } }
    expect(read([gives('a', [image])])[0]?.what).toMatchObject({ text: { text: '[image image/png, 3000 bytes]' } })
  })

  it('passes over what it does not know, whatever that looks like', () => {
    const anything = fc.array(
      fc.oneof(
        fc.jsonValue(),
        fc.record({
          type: fc.constantFrom(
            'user',
            'assistant',
            'system',
            'result',
            'tool_permission',
            'tool_permission_settled',
            '__proto__',
          ),
          subtype: fc.constantFrom('init', 'constructor', '__proto__', 'turn_result', 'prompt_queued'),
          message: fc.oneof(
            fc.jsonValue(),
            fc.record({
              content: fc.oneof(
                fc.jsonValue(),
                fc.array(
                  fc.record({
                    type: fc.constantFrom('text', 'tool_use', 'tool_result', 'thinking', 'image'),
                    content: fc.jsonValue(),
                    input: fc.jsonValue(),
                    text: fc.jsonValue(),
                    id: fc.jsonValue(),
                  }),
                ),
              ),
            }),
          ),
          parent_tool_use_id: fc.jsonValue(),
        }),
      ),
    )
    fc.assert(
      fc.property(anything, (events) => {
        for (const renderer of [createMarkdown(), createHtml('x')]) expect(render(renderer, events)).not.toBe('')
        expect(JSON.parse(render(createJson(), events))).toMatchObject({ last: events.length })
      }),
      { numRuns: 300 },
    )
  })
})

describe('a long text', () => {
  it('keeps its beginning and its end, and says how much is missing', () => {
    const text = `begin ${'x'.repeat(50_000)} end`
    const short = shorten(text, 4000)
    expect(short.text.length + short.tail.length + short.leftOut).toBe(text.length)
    expect(joined(short)).toMatch(/^begin x+\n\[… 46010 characters left out …\]\nx+ end$/)
  })
})

describe('the JSON of a transcript', () => {
  it('is one object with a list of turns, also when there are none', () => {
    expect(JSON.parse(render(createJson(), []))).toMatchObject({ conversation_id: 'c-1', turns: [], last: 0 })
    const whole = JSON.parse(render(createJson(), [prompt('a'), ends(''), prompt('b'), says('c')]))
    expect(whole).toMatchObject({
      turns: [
        {
          turn: 1,
          entries: [
            { kind: 'prompt', seq: 1, text: 'a' },
            { kind: 'end', num_turns: 9 },
          ],
        },
        {
          turn: 2,
          entries: [
            { kind: 'prompt', seq: 3 },
            { kind: 'answer', text: 'c' },
          ],
        },
      ],
    })
  })
})

describe('the Markdown of a transcript', () => {
  it('has no line of its own shape that came from outside: fences hold', () => {
    const part = fc.constantFrom(
      '`',
      '```',
      '````',
      '\n',
      '\r',
      '\r\n',
      '# Turn 9',
      '> ',
      '---',
      '<script>',
      '~~~',
      ' ',
      'x',
      '\u2028',
      '**',
      '\u0000',
    )
    const hostile = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(hostile, fc.constantFrom(null, 'a'), (text, parent) => {
        const events = [calls('a', 'Task', {}), says(text, parent), gives('a', text), prompt(text)]
        const outside = outsideOfFences(render(createMarkdown(), events, text))
        // What is left are our own headings, labels and marks.
        expect(outside.join('\n')).not.toMatch(/<script>|^~~~/m)
        expect(outside.filter((line) => /^ *#/.test(line)).map((line) => line.slice(0, 8))).toEqual(
          ['# ', '## Turn '].map((start) => expect.stringMatching(new RegExp(`^${start}`))),
        )
        expect(outside.filter((line) => line.startsWith('---'))).toEqual(['---'])
      }),
      { numRuns: 500 },
    )
  })
})

/** The lines that a reader of CommonMark (section 4.5) takes for no code. Throws when a fence is not closed. */
function outsideOfFences(markdown: string): string[] {
  const outside: string[] = []
  let fence: string | undefined
  for (const line of markdown.split(/\r\n|\n|\r/)) {
    const content = line.replace(/^(?:> ?)+/, '')
    const [, ticks = '', info = ''] = /^ {0,3}(`{3,})(.*)$/.exec(content) ?? []
    if (fence !== undefined) {
      if (ticks.length >= fence.length && info.trim() === '') fence = undefined
    } else if (ticks !== '' && !info.includes('`')) fence = ticks
    else outside.push(content)
  }
  if (fence !== undefined) throw new Error(`a fence stays open in ${JSON.stringify(markdown)}`)
  return outside
}

describe('a transcript', () => {
  const thinks = {
    type: 'assistant',
    message: { role: 'assistant', content: [{ type: 'thinking', thinking: 'a secret thought', signature: '' }] },
    parent_tool_use_id: null,
    ...own,
  }
  const conversation = { id: 'c', title: undefined, folder: '/x', createdAt: 0 } as unknown as Conversation

  async function* pages() {
    for (const [first, event] of [prompt('Hello'), thinks, says('Hi there')].entries()) {
      yield { first: first + 1, count: 1, lines: Buffer.from(`${JSON.stringify(event)}\n`) }
    }
  }
  const told = async (withThinking: boolean) =>
    (
      await Array.fromAsync(transcriptOf(conversation, pages(), { renderer: createMarkdown(), withThinking, after: 0 }))
    ).join('')

  it('tells what the agent thought only to who asks for it, and all else either way', async () => {
    for (const withThinking of [true, false]) {
      const text = await told(withThinking)
      expect(text.includes('a secret thought')).toBe(withThinking)
      expect(text).toContain('Hello')
      expect(text).toContain('Hi there')
    }
  })
})
