import { bodyOfCall, summaryOfCall } from './call.ts'
import { noteOf, noteOfAttachments } from './notes.ts'
import { createSpending, type Spent } from './spending.ts'
import { type Short, shorten, textOf } from './text.ts'

/**
 * A conversation as a person reads it: events become entries, one after another, in the order of the log. Pure; it
 * holds the names of the latest tool calls and nothing that grows, so that a log of any length can go through it.
 */
export interface Entry {
  /** Counted from 1, from where the reading begins. A turn ends with an entry `end`. */
  readonly turn: number
  /** The number of its event. */
  readonly seq: number
  readonly at: string | undefined
  /** 0 is the agent itself, 1 an agent that it has called, and so on. */
  readonly depth: number
  readonly what: What
}

export type What =
  | { readonly kind: 'prompt'; readonly text: Short; readonly steers: boolean }
  | { readonly kind: 'answer'; readonly text: Short }
  | { readonly kind: 'thinking'; readonly text: Short }
  | {
      readonly kind: 'call'
      readonly id: string
      readonly tool: string
      readonly summary: string
      readonly text: Short
    }
  /** What a tool call came to. It names its tool if the call was read, too. */
  | {
      readonly kind: 'outcome'
      readonly id: string
      readonly tool: string | undefined
      readonly isError: boolean
      readonly text: Short
    }
  | { readonly kind: 'asked'; readonly tool: string; readonly summary: string }
  | {
      readonly kind: 'settled'
      readonly tool: string | undefined
      readonly how: string
      readonly behavior: string
      readonly by: string
      readonly message: Short | undefined
    }
  | { readonly kind: 'note'; readonly text: Short }
  | (Spent & {
      readonly kind: 'end'
      readonly subtype: string
      readonly isError: boolean
      /** Undefined when it only repeats the last answer. */
      readonly text: Short | undefined
      /** Of the agent's whole session, also of earlier runs. */
      readonly sessionCostUsd: number | undefined
      readonly agentTurns: number | undefined
    })

/** The most that is shown of a text, and of what goes into a tool and comes out of it, in characters. */
const TEXT_MOST = 100_000
const TOOL_MOST = 4000
/** How many tool calls and questions are remembered, for what refers to them later. */
const REMEMBERED = 1000
/** Agents that call agents: deeper ones are shown at this depth. */
const DEEPEST = 8

/** Reads events in their order. */
export function createTurns() {
  const calls = createMemory<{ tool: string; depth: number }>()
  const questions = createMemory<string>()
  const spending = createSpending()
  let turn = 0
  let isOpen = false
  let said: string | undefined

  return {
    /** What the event with this number adds. Events that are no part of the reading add nothing. */
    take(seq: number, event: unknown): Entry[] {
      if (!isObject(event)) return []
      spending.take(seq, event)
      const found = read(event)
      if (found.length === 0) return []
      if (!isOpen) {
        isOpen = true
        turn++
      }
      const at = text(event['timestamp'])
      const parent = text(event['parent_tool_use_id'])
      const depth = parent === undefined ? 0 : Math.min((calls.get(parent)?.depth ?? 0) + 1, DEEPEST)
      for (const what of found) if (what.kind === 'call') calls.set(what.id, { tool: what.tool, depth })
      if (event['type'] === 'result') {
        isOpen = false
        said = undefined
      }
      return found.map((what) => ({ turn, seq, at, depth, what }))
    },
  }

  function read(event: Fields): What[] {
    switch (event['type']) {
      case 'assistant':
        return blocksOf(event).flatMap((block) => readAnswer(block, event))
      case 'user':
        return readUser(event)
      case 'tool_permission':
        return [readQuestion(event)]
      case 'tool_permission_settled':
        return [readSettled(event)]
      case 'result':
        return [readEnd(event)]
      default: {
        const note = noteOf(event)
        return note === undefined ? [] : [{ kind: 'note', text: shorten(note, TEXT_MOST) }]
      }
    }
  }

  function readAnswer(block: Fields, event: Fields): What[] {
    if (block['type'] === 'text') {
      const whole = text(block['text']) ?? ''
      if (typeof event['parent_tool_use_id'] !== 'string') said = whole
      return [{ kind: 'answer', text: shorten(whole, TEXT_MOST) }]
    }
    if (block['type'] === 'thinking')
      return [{ kind: 'thinking', text: shorten(text(block['thinking']) ?? '', TEXT_MOST) }]
    if (block['type'] !== 'tool_use' && block['type'] !== 'server_tool_use') return []
    const [tool, input] = [text(block['name']) ?? 'a tool', block['input']]
    return [
      {
        kind: 'call',
        id: text(block['id']) ?? '',
        tool,
        summary: summaryOfCall(input),
        text: shorten(bodyOfCall(tool, input), TOOL_MOST),
      },
    ]
  }

  function readUser(event: Fields): What[] {
    const blocks = blocksOf(event)
    const results = blocks.filter((block) => block['type'] === 'tool_result')
    if (results.length > 0) {
      return results.map((block) => {
        const id = text(block['tool_use_id']) ?? ''
        const shown = shorten(textOf(block['content']), TOOL_MOST)
        return { kind: 'outcome', id, tool: calls.get(id)?.tool, isError: block['is_error'] === true, text: shown }
      })
    }
    const shown = shorten(textOf(blocks), TEXT_MOST)
    // What the agent tells itself is marked, or known by its words; what it tells agents of its own has a parent.
    const isOwn = event['isSynthetic'] === true || text(event['parent_tool_use_id']) !== undefined
    const isNotice = event['session_id'] !== undefined && textOf(blocks).startsWith('[Request interrupted by user')
    const isPrompt = !isOwn && !isNotice
    if (!isPrompt) return [{ kind: 'note', text: shown }]
    const steers = event['steer'] === true
    if (!steers) spending.begin(event)
    const attached = noteOfAttachments(event)
    const note: What[] = attached === undefined ? [] : [{ kind: 'note', text: shorten(attached, TEXT_MOST) }]
    return [{ kind: 'prompt', text: shown, steers }, ...note]
  }

  function readQuestion(event: Fields): What {
    const tool = text(event['tool_name']) ?? 'a tool'
    questions.set(text(event['permission_id']) ?? '', tool)
    return { kind: 'asked', tool, summary: summaryOfCall(event['input']) }
  }

  function readSettled(event: Fields): What {
    const message = text(event['message'])
    return {
      kind: 'settled',
      tool: questions.get(text(event['permission_id']) ?? ''),
      how: text(event['how']) ?? '',
      behavior: text(event['behavior']) ?? '',
      by: text(event['by']) ?? '',
      message: message === undefined || message === '' ? undefined : shorten(message, TOOL_MOST),
    }
  }

  function readEnd(event: Fields): What {
    const words = text(event['result']) ?? ''
    return {
      kind: 'end',
      subtype: text(event['subtype']) ?? '',
      isError: event['is_error'] === true,
      text: words === '' || words === said ? undefined : shorten(words, TEXT_MOST),
      ...spending.end(event),
      sessionCostUsd: number(event['total_cost_usd']),
      agentTurns: number(event['num_turns']),
    }
  }
}

type Fields = Readonly<Record<string, unknown>>

/** The latest things by their ids; the oldest go first. */
function createMemory<T>() {
  const known = new Map<string, T>()
  return {
    get: (id: string): T | undefined => known.get(id),
    set(id: string, value: T): void {
      known.delete(id)
      known.set(id, value)
      if (known.size <= REMEMBERED) return
      const [oldest = ''] = known.keys()
      known.delete(oldest)
    },
  }
}

function blocksOf(event: Fields): Fields[] {
  const { message } = event
  const content = isObject(message) ? message['content'] : undefined
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? content.filter(isObject) : []
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
