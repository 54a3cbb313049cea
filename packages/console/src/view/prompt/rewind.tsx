import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useState } from 'preact/hooks'
import { counted } from '../../amounts.ts'
import { client, sentenceOf } from '../../service.ts'
import { useAnswer } from '../answer.ts'
import { Changes } from '../changes.tsx'
import { Failure } from '../failure.tsx'
import { eventsFrom } from '../run/read-run.ts'

type Rewound = Answer<'Rewound'>

/** Says which files would be put back and what is lost with that; then does it. */
export function Rewind({ id, seq, onClose }: { id: string; seq: number; onClose: () => void }) {
  const [done, setDone] = useState<Rewound>()
  const [refusal, setRefusal] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const rewind = (isDry: boolean, signal?: AbortSignal) =>
    client.rewind(id, { to: seq, dry_run: isDry }, { ...(signal && { signal }) })
  const preview = useAnswer(`${id} ${seq}`, async (signal) => {
    // One after the other: where it is refused, nobody needs to know what has been done since.
    const plan = await rewind(true, signal)
    const since = plan.files.length === 0 ? [] : await Array.fromAsync(eventsFrom(id, seq, signal))
    return { plan, since }
  })
  const confirm = () => {
    setBusy(true)
    rewind(false)
      .then(setDone, (error: unknown) => setRefusal(sentenceOf(error)))
      .finally(() => setBusy(false))
  }
  if (preview.is === 'coming') return <p role="status">Looking at what would change…</p>
  const why = preview.is === 'refused' ? preview.why : refusal
  if (preview.is === 'refused' || why !== undefined) return <Failure words={why} />
  if (done)
    return (
      <>
        <p role="status">{counted(done.files.length, 'file')} put back.</p>
        <div class="actions">
          <button type="button" class="primary" onClick={onClose}>
            Close
          </button>
        </div>
      </>
    )
  const { plan, since } = preview.answer
  if (plan.files.length === 0) return <p role="status">No file has changed since then: there is nothing to put back.</p>
  return (
    <>
      <p>
        {counted(plan.files.length, 'file')} would go back to what {plan.files.length === 1 ? 'it was' : 'they were'}{' '}
        before this prompt: <span class="plus">+{plan.insertions}</span> <span class="minus">−{plan.deletions}</span>{' '}
        lines. A file goes back whole, also what others have changed in it since.
      </p>
      <ul class="files">
        {plan.files.map((path) => (
          <li key={path} class="gist">
            {path}
          </li>
        ))}
      </ul>
      <Changes title="What is undone" events={since} />
      <div class="actions">
        <button type="button" class="danger primary" disabled={isBusy} onClick={confirm}>
          Put {counted(plan.files.length, 'file')} back
        </button>
        <button type="button" disabled={isBusy} onClick={onClose}>
          Leave everything as it is
        </button>
      </div>
    </>
  )
}
