import { useState } from 'preact/hooks'
import { nameOf, remember, titleOf } from '../conversations.ts'
import { addressOf } from '../route.ts'
import { client, sentenceOf } from '../service.ts'
import { age } from '../words.ts'
import { useAnswer } from './answer.ts'
import { Failure } from './failure.tsx'
import { Head } from './head.tsx'

/** Conversations that were put away, and the way back for them. */
export function ArchivedView() {
  const [returned, setReturned] = useState(0)
  const [said, setSaid] = useState<string>()
  const asked = useAnswer(String(returned), (signal) =>
    client.conversations({ archived: true, limit: 200 }, { signal }),
  )
  const bringBack = (id: string) => {
    client
      .changeConversation(id, { archived: false })
      .then((changed) => {
        remember(changed)
        setReturned((count) => count + 1)
      })
      .catch((error: unknown) => setSaid(sentenceOf(error)))
  }
  const why = said ?? (asked.is === 'refused' ? asked.why : undefined)
  return (
    <main class="conversation" aria-label="Archived conversations">
      <Head title="Archived conversations" back="#/" />
      <div class="sheet">
        <Failure words={why} />
        {asked.is === 'coming' && <p class="empty">Loading…</p>}
        {asked.is === 'there' && asked.answer.conversations.length === 0 && (
          <p class="empty">Nothing is archived. A conversation is put here from its own menu.</p>
        )}
        {asked.is === 'there' && (
          <ul>
            {asked.answer.conversations.map(({ conversation_id: id, active_at: at, ...one }) => (
              <li key={id} class="archived">
                <a class="row" href={addressOf(id)}>
                  <span class="title">{titleOf(one)}</span>
                  <span class="about">
                    {nameOf(one.cwd)} · {age(at, Date.now())}
                  </span>
                </a>
                <button type="button" aria-label={`Bring back ${titleOf(one)}`} onClick={() => bringBack(id)}>
                  Bring back
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </main>
  )
}
