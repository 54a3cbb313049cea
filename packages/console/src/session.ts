import type { Answer } from '@claude-proxy/protocol/endpoints'
import { signal } from '@preact/signals'
import { createDrafts, type Draft } from './model/drafts.ts'
import type { Event, Question } from './model/events.ts'
import { createTranscript, type Page } from './model/transcript.ts'
import { ask, sentenceOf } from './wire/service.ts'
import { follow, type StreamState } from './wire/stream.ts'

type Details = Answer<'ConversationDetails'>

/** The conversation that is open: what it says, what it is, and how fresh that is. */
export interface Session {
  readonly id: string
  readonly close: () => void
  readonly reload: () => Promise<void>
}

/** The whole of it as of one frame: who shows it, shows all of it at once. */
interface Shown {
  readonly pages: readonly Page[]
  readonly drafts: readonly Draft[]
  readonly status: string | undefined
  readonly open: readonly Question[]
  readonly last: number
}

const NOTHING: Shown = { pages: [], drafts: [], status: undefined, open: [], last: 0 }

export const shown = signal<Shown>(NOTHING)
export const details = signal<Details | undefined>(undefined)
export const sessionState = signal<StreamState>('connecting')
export const sessionFailure = signal<string | undefined>(undefined)

/** Follows a conversation, from its beginning and for as long as it is open. */
export function openSession(id: string): Session {
  const over = new AbortController()
  const { signal: isOver } = over
  const path = `v1/conversations/${encodeURIComponent(id)}`
  const transcript = createTranscript()
  const drafts = createDrafts()
  let last = 0
  let frame: ReturnType<typeof setTimeout> | undefined
  let looking: ReturnType<typeof setTimeout> | undefined
  shown.value = NOTHING
  details.value = undefined
  sessionFailure.value = undefined

  /** Once a frame, however much has come; also in a tab that nobody sees. */
  const show = () => {
    frame ??= setTimeout(() => {
      frame = undefined
      if (isOver.aborted) return
      const { pages, open } = transcript
      shown.value = { pages: [...pages], drafts: drafts.all, status: drafts.status, open, last }
    }, 16)
  }
  const reload = async () => {
    try {
      const found = await ask<'ConversationDetails'>(path, { signal: isOver })
      details.value = found
    } catch (error) {
      if (!isOver.aborted) sessionFailure.value = sentenceOf(error)
    }
  }
  const reloadSoon = () => {
    looking ??= setTimeout(() => {
      looking = undefined
      void reload()
    }, 150)
  }

  const query = { partials: 'true' }
  const following = follow(`${path}/stream`, {
    query,
    signal: isOver,
    onState: (state) => (sessionState.value = state),
    onOpen(headers) {
      drafts.clear()
      if (headers.get('x-proxy-reset') === 'true') {
        transcript.clear()
        last = 0
      }
      sessionFailure.value = undefined
      show()
      void reload()
    },
    onMessages(messages) {
      for (const { name, id: number, data } of messages) {
        if (name === 'partial') drafts.take(JSON.parse(data) as never)
        if (name !== '' || number === undefined || Number(number) <= last) continue
        last = Number(number)
        const event = JSON.parse(data) as Event
        transcript.add(last, event)
        drafts.replace(event)
        if (CHANGES.has(event.type)) reloadSoon()
      }
      show()
    },
  })
  void following.catch((error: unknown) => (sessionFailure.value = sentenceOf(error)))
  return {
    id,
    reload,
    close() {
      over.abort()
      clearTimeout(frame)
      clearTimeout(looking)
    },
  }
}

/** Events after which a conversation is something else. */
const CHANGES = new Set(['user', 'result', 'system', 'tool_permission', 'tool_permission_settled'])
