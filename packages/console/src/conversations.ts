import { ClaudeProxyError, type StreamState } from '@claude-proxy/client'
import type { Answer } from '@claude-proxy/protocol/endpoints'
import { computed, signal } from '@preact/signals'
import { announce } from './notify.ts'
import { client, isLocked, sentenceOf } from './service.ts'
import type { STATES } from './words.ts'

export type Conversation = Answer<'Conversation'>

const known = signal<ReadonlyMap<string, Conversation>>(new Map())
const costs = signal<ReadonlyMap<string, number>>(new Map())

/** How the stream of all stands: the truth about everything on the page that lives. */
export const connection = signal<StreamState['state'] | 'ended'>('connecting')
/** Whether the list has been there once. */
export const isLoaded = signal(false)
export const failure = signal<string | undefined>(undefined)

export const conversations = computed(() => [...known.value.values()])
export const costOf = (id: string): number | undefined => costs.value.get(id)

export interface Group {
  readonly name: string
  readonly path: string
  readonly conversations: readonly Conversation[]
}

/** Who needs a person comes first, then by folder, whichever was active last. */
export const groups = computed((): Group[] => {
  const byTime = conversations.value
    .filter(({ archived }) => !archived)
    .sort((a, b) => (a.active_at < b.active_at ? 1 : -1))
  const waiting = byTime.filter(({ state }) => state === 'waiting')
  const folders = Map.groupBy(
    byTime.filter(({ state }) => state !== 'waiting'),
    ({ cwd }) => cwd,
  )
  const named = [...folders].map(([path, of]) => ({ name: nameOf(path), path, conversations: of }))
  return waiting.length === 0 ? named : [{ name: 'Needs you', path: '', conversations: waiting }, ...named]
})

export const folders = computed(() => [...new Set(conversations.value.map(({ cwd }) => cwd))])

/** The last part of a folder's path. */
export function nameOf(path: string): string {
  return path.split('/').findLast((part) => part !== '') ?? path
}

export function titleOf({ title, cwd }: Pick<Conversation, 'title' | 'cwd'>): string {
  return title ?? nameOf(cwd)
}

/** How a list marks it: that its last run failed is news while nothing else goes on. */
export function standingOf({ state, last_error: error }: Conversation): keyof typeof STATES {
  return state === 'idle' && error !== null ? 'failed' : state
}

/** After these a conversation stands elsewhere in the list, or says something else there. */
const TYPES = ['user', 'result', 'tool_permission', 'tool_permission_settled', 'system']

/** Keeps the list as it is now, until `stop` aborts. */
export async function keepList(stop: AbortSignal): Promise<void> {
  const changed = createChanged(stop)
  // A deletion is no event: somebody has to look.
  const timer = setInterval(() => document.visibilityState === 'visible' && void loadList(stop), 30_000)
  stop.addEventListener('abort', () => clearInterval(timer))
  while (!stop.aborted) {
    try {
      const onState = ({ state }: StreamState) => (connection.value = state)
      for await (const item of client.followAll({ since: 'head', types: TYPES, signal: stop, onState })) {
        if (item.kind === 'open') void loadList(stop)
        else {
          changed(item.conversation)
          announce(item.event, known.value.get(item.conversation), item.conversation)
        }
      }
    } catch (error) {
      connection.value = 'ended'
      failure.value = sentenceOf(error)
      if (!(error instanceof ClaudeProxyError) || error.status !== 401) return
    }
    await unlocked(stop)
  }
}

/** Until there is a token that may be the right one. */
function unlocked(stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const unsubscribe = isLocked.subscribe((isStill) => !isStill && resolve())
  stop.addEventListener('abort', () => resolve())
  return promise.finally(unsubscribe)
}

async function loadList(stop: AbortSignal): Promise<void> {
  try {
    const { conversations: all } = await client.conversations({ limit: 200 }, { signal: stop })
    known.value = new Map(all.map((conversation) => [conversation.conversation_id, conversation]))
    failure.value = undefined
    isLoaded.value = true
    await loadCosts(all.slice(0, 40), stop)
  } catch (error) {
    if (!stop.aborted) failure.value = sentenceOf(error)
  }
}

/** The list does not hold what a conversation has cost. One after another: nobody waits for it. */
async function loadCosts(some: readonly Conversation[], stop: AbortSignal): Promise<void> {
  for (const { conversation_id: id } of some) if (!costs.value.has(id)) await look(id, stop)
}

async function look(id: string, stop: AbortSignal): Promise<void> {
  try {
    const details = await client.conversation(id, undefined, { signal: stop })
    known.value = new Map(known.value).set(id, details)
    costs.value = new Map(costs.value).set(id, details.cost_usd ?? 0)
  } catch (error) {
    if (!(error instanceof ClaudeProxyError && error.status === 404)) return
    forget(id)
  }
}

/** Looks at what has changed, a moment later and once for all that came meanwhile. */
function createChanged(stop: AbortSignal): (id: string) => void {
  const dirty = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  return (id) => {
    dirty.add(id)
    timer ??= setTimeout(() => {
      timer = undefined
      const ids = [...dirty]
      dirty.clear()
      if (ids.length > 10) void loadList(stop)
      else void Promise.all(ids.map((one) => look(one, stop)))
    }, 200)
  }
}

/** A conversation that is not there any more. */
export function forget(id: string): void {
  known.value = new Map([...known.value].filter(([one]) => one !== id))
}

/** A conversation that this page has just made, or changed. */
export function remember(conversation: Conversation): void {
  known.value = new Map(known.value).set(conversation.conversation_id, conversation)
}
