import { ClaudeProxyError, type Snapshot, type StreamState } from '@claude-proxy/client'
import { emptyView, isPast, type View, view } from '@claude-proxy/client/view'
import { computed, signal } from '@preact/signals'
import { createPace } from './pace.ts'
import { client, sentenceOf } from './service.ts'

/** The conversation that is open, as of one frame: who shows it, shows all of it at once. */
export const shown = signal<View>(emptyView)
/** How much of a past that is still being read is there, from 0 to 1; undefined when it has been read. */
export const progress = signal<number | undefined>(undefined)
export const details = signal<Snapshot | undefined>(undefined)
/** Where its agent works. */
export const folder = computed(() => details.value?.cwd ?? '')
export const sessionState = signal<StreamState['state']>('connecting')
export const sessionFailure = signal<string | undefined>(undefined)

const FRAME_MS = 16
const LOOK_MS = 150

/** Follows a conversation, from its beginning and until `isOver` aborts. */
export async function keepSession(id: string, isOver: AbortSignal): Promise<void> {
  const pace = createPace()
  const show = once(FRAME_MS, isOver, () => {
    // What was asked or running in between is none of a person's business: the past is shown when it is whole.
    const isBehind = isPast(now)
    progress.value = isBehind ? now.last / (now.snapshot?.head ?? 1) : undefined
    if (!isBehind) shown.value = now
  })
  const look = once(LOOK_MS, isOver, () => void loadDetails(id, isOver))
  let now = emptyView
  shown.value = now
  progress.value = 0
  details.value = undefined
  sessionFailure.value = undefined
  try {
    const onState = ({ state }: StreamState) => (sessionState.value = state)
    for await (const item of client.follow(id, { partials: true, snapshot: true, signal: isOver, onState })) {
      now = view(now, item)
      if (item.kind === 'open') {
        details.value = item.snapshot
        sessionFailure.value = undefined
      }
      if (item.kind === 'event' && CHANGES.has(item.event.type) && !isPast(now)) look()
      show()
      await pace()
    }
  } catch (error) {
    sessionFailure.value = sentenceOf(error)
  }
}

/** Events after which a conversation has another title, cost or setting. */
const CHANGES = new Set(['user', 'result', 'system'])

async function loadDetails(id: string, isOver: AbortSignal): Promise<void> {
  try {
    details.value = await client.conversation(id, undefined, { signal: isOver })
  } catch (error) {
    // What is lost is found again by the stream, which begins with the same.
    if (!isOver.aborted && !(error instanceof ClaudeProxyError && error.isPassing))
      sessionFailure.value = sentenceOf(error)
  }
}

/** Does it a moment later, once for all who asked meanwhile; also in a tab that nobody sees. */
function once(ms: number, isOver: AbortSignal, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  isOver.addEventListener('abort', () => clearTimeout(timer))
  return () => {
    if (isOver.aborted) return
    timer ??= setTimeout(() => {
      timer = undefined
      act()
    }, ms)
  }
}
