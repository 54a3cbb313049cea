import { useSignal } from '@preact/signals'
import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useEffect, useState } from 'preact/hooks'
import {
  type Conversation,
  conversations,
  costOf,
  failure,
  groups,
  isLoaded,
  nameOf,
  standingOf,
  titleOf,
} from '../conversations.ts'
import { askToNotify, permission } from '../notify.ts'
import { addressOf, place } from '../route.ts'
import { client, sentenceOf } from '../service.ts'
import { age, money, STATES } from '../words.ts'
import { ConnectionLight } from './connection.tsx'
import { Places } from './places.tsx'

/** All conversations, who needs a person first; and what is found in them. */
export function List() {
  const words = useSignal('')
  return (
    <nav class="list" aria-label="Conversations">
      <header class="bar">
        <h1>Agents</h1>
        <ConnectionLight />
        {permission.value === 'default' && (
          <button type="button" class="quiet" onClick={() => void askToNotify()}>
            Notify me
          </button>
        )}
        <a class="button" href="#/new" aria-keyshortcuts="n">
          New
        </a>
      </header>
      <input
        id="search"
        type="search"
        placeholder="Search all transcripts"
        aria-label="Search all transcripts"
        aria-keyshortcuts="/"
        value={words.value}
        onInput={({ currentTarget }) => (words.value = currentTarget.value)}
      />
      {words.value.trim() === '' ? <Groups /> : <Hits words={words.value} />}
      <Places />
    </nav>
  )
}

function Groups() {
  const now = useNow()
  if (failure.value !== undefined && !isLoaded.value) return <p class="empty error">{failure.value}</p>
  if (!isLoaded.value) return <p class="empty">Loading…</p>
  if (conversations.value.length === 0)
    return (
      <p class="empty">
        No conversations yet. <a href="#/new">Start an agent in a folder.</a>
      </p>
    )
  return (
    <div class="groups">
      {groups.value.map(({ name, path, conversations: of }) => (
        <section key={path} class={path === '' ? 'needs' : ''}>
          <h2 title={path}>{name}</h2>
          <ul>
            {of.map((conversation) => (
              <Row key={conversation.conversation_id} conversation={conversation} now={now} inFolder={path !== ''} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

function Row({ conversation, now, inFolder }: { conversation: Conversation; now: number; inFolder: boolean }) {
  const { conversation_id: id, active_at: at, cwd, title, last_error: error } = conversation
  const standing = standingOf(conversation)
  const isHere = place.value.at === 'conversation' && place.value.id === id
  const cost = costOf(id) ?? 0
  const about = [inFolder || title === null ? '' : nameOf(cwd), cost > 0 ? money(cost) : '', age(at, now)]
  return (
    <li>
      <a href={addressOf(id)} class="row" aria-current={isHere ? 'page' : undefined}>
        <span class={`dot ${standing}`} aria-hidden="true" />
        <span class="title">{titleOf(conversation)}</span>
        {standing !== 'idle' && (
          <span class={`state ${standing}`} title={standing === 'failed' ? error?.message : undefined}>
            {STATES[standing]}
          </span>
        )}
        <span class="about">{about.filter((part) => part !== '').join(' · ')}</span>
      </a>
    </li>
  )
}

/** Who still writes has not asked yet; and what is not indexed yet is there a moment later. */
const WRITING_MS = 150
const INDEXING_MS = 500

function Hits({ words }: { words: string }) {
  const [found, setFound] = useState<Answer<'Hits'> | string>()
  useEffect(() => {
    const over = new AbortController()
    let timer = setTimeout(look, WRITING_MS)
    async function look() {
      try {
        const next = await client.search({ q: words, limit: 50 }, { signal: over.signal })
        setFound(next)
        if (!next.up_to_date && !over.signal.aborted) timer = setTimeout(look, INDEXING_MS)
      } catch (error) {
        if (!over.signal.aborted) setFound(sentenceOf(error))
      }
    }
    return () => {
      clearTimeout(timer)
      over.abort()
    }
  }, [words])
  if (found === undefined) return <p class="empty">Searching…</p>
  if (typeof found === 'string') return <p class="empty error">{found}</p>
  if (found.hits.length === 0) return <p class="empty">{found.up_to_date ? 'Nothing is found.' : 'Searching…'}</p>
  return (
    <ul class="hits" aria-label="Found">
      {found.hits.map((hit) => (
        <li key={`${hit.conversation_id} ${hit.event_id}`}>
          <a class="row" href={addressOf(hit.conversation_id, hit.event_id)}>
            <span class="title">{titleOf(hit)}</span>
            <span class="about">{hit.kind.replace('_', ' ')}</span>
            <span class="snippet">{marked(hit.snippet)}</span>
          </a>
        </li>
      ))}
    </ul>
  )
}

function marked({ text, ranges }: Answer<'Hits'>['hits'][number]['snippet']) {
  let at = 0
  const parts = ranges.map(([from = 0, to = 0]) => {
    const before = text.slice(at, from)
    at = to
    return (
      <>
        {before}
        <mark>{text.slice(from, to)}</mark>
      </>
    )
  })
  return [...parts, text.slice(at)]
}

/** The time, every half minute: ages grow. */
function useNow(): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return Math.max(now, Date.now())
}
