import { useMemo } from 'preact/hooks'
import { duration } from '../../amounts.ts'
import { conversations, titleOf } from '../../conversations.ts'
import { addressOf } from '../../route.ts'
import { useAnswer } from '../answer.ts'
import { Changes } from '../changes.tsx'
import { Head } from '../head.tsx'
import { NotThere } from '../not-there.tsx'
import { readRun } from './read-run.ts'
import { timelineOf } from './spans.ts'
import { TimelineView } from './timeline.tsx'

/** One run, after the fact: what took how long in it, and what it did to files. */
export function RunView({ id, seq }: { id: string; seq: number }) {
  const asked = useAnswer(`${id} ${seq}`, (signal) => readRun(id, seq, signal))
  const events = asked.is === 'there' ? asked.answer : undefined
  const timeline = useMemo(() => events && timelineOf(events, Date.now()), [events])
  const conversation = conversations.value.find(({ conversation_id: one }) => one === id)
  return (
    <main class="conversation run" aria-label="Run">
      <Head
        title={
          timeline ? `A run of ${duration(timeline.to - timeline.from)}${timeline.isOver ? '' : ' so far'}` : 'A run'
        }
        about={conversation && titleOf(conversation)}
        back={addressOf(id, seq)}
      >
        <a class="button" href={addressOf(id, seq)}>
          Transcript
        </a>
      </Head>
      <div class="sheet wide">
        {asked.is !== 'there' && <NotThere asked={asked} />}
        {timeline && <TimelineView id={id} timeline={timeline} />}
        {events && <Changes title="What it did to files" events={events} />}
      </div>
    </main>
  )
}
