import type { Answer } from '@claude-proxy/protocol/endpoints'
import { useState } from 'preact/hooks'
import { count, duration } from '../../amounts.ts'
import { nameOf } from '../../conversations.ts'
import { client } from '../../service.ts'
import { money } from '../../words.ts'
import { useAnswer } from '../answer.ts'
import { Head } from '../head.tsx'
import { NotThere } from '../not-there.tsx'
import { type Bar, Columns, Rows } from './charts.tsx'
import { daysBefore, daysFrom, nameOfDay } from './days.ts'
import { type MeasureName, MEASURES, type Used } from './measures.ts'

const SPANS = [7, 30, 90, 365] as const

/** What agents have cost and used: by day, by folder, by model. */
export function UsageView() {
  const [span, setSpan] = useState<number>(30)
  const [measure, setMeasure] = useState<MeasureName>('cost')
  const [folder, setFolder] = useState<string>()
  const asked = useUsage(span, folder)
  return (
    <main class="conversation usage" aria-label="Usage">
      <Head title="Usage" back="#/" />
      <div class="sheet wide">
        <div class="actions">
          <select
            aria-label="Which days"
            value={span}
            onChange={({ currentTarget }) => setSpan(Number(currentTarget.value))}
          >
            {SPANS.map((days) => (
              <option key={days} value={days}>
                last {days} days
              </option>
            ))}
          </select>
          <select
            aria-label="What of it"
            value={measure}
            onChange={({ currentTarget }) => setMeasure(currentTarget.value as MeasureName)}
          >
            {Object.entries(MEASURES).map(([key, { name }]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
          {folder !== undefined && (
            <button type="button" title={folder} onClick={() => setFolder(undefined)}>
              {nameOf(folder)} ×<span class="unseen">Show all folders</span>
            </button>
          )}
        </div>
        {asked.is === 'there' ? (
          <Charts {...asked.answer} measure={measure} onFolder={setFolder} />
        ) : (
          <NotThere asked={asked} />
        )}
      </div>
    </main>
  )
}

interface Answers {
  readonly days: Answer<'Usage'>
  readonly folders: Answer<'Usage'>
  readonly models: Answer<'Usage'>
}

function useUsage(span: number, folder: string | undefined) {
  return useAnswer(`${span} ${folder}`, async (signal): Promise<Answers> => {
    const now = new Date()
    const query = {
      from: nameOfDay(daysBefore(now, span - 1)),
      to: nameOfDay(now),
      tz: new Intl.DateTimeFormat().resolvedOptions().timeZone,
      cwd: folder,
    }
    const get = (by: 'day' | 'folder' | 'model') => client.usage({ ...query, by }, { signal })
    const [days, folders, models] = await Promise.all([get('day'), get('folder'), get('model')])
    return { days, folders, models }
  })
}

function Charts({
  days,
  folders,
  models,
  measure,
  onFolder,
}: Answers & { measure: MeasureName; onFolder: (folder: string) => void }) {
  const { name, of, words } = MEASURES[measure]
  if (days.total.runs === 0) return <p class="empty">No run ended in these days.</p>
  const barOf = (key: string, used: Used | undefined, more: Partial<Bar> = {}): Bar => {
    const amount = used === undefined ? 0 : of(used)
    return { key, name: key, amount, words: words(amount), ...more }
  }
  const byDay = new Map(days.entries.map((entry) => [entry.day, entry]))
  const biggestFirst = (a: Bar, b: Bar) => b.amount - a.amount
  return (
    <>
      <Totals total={days.total} />
      <Columns
        name="By day"
        measure={name}
        words={words}
        bars={daysFrom(days.from, days.to).map((day) => barOf(day, byDay.get(day), { name: shortDay(day) }))}
      />
      <Rows
        name="By folder"
        measure={name}
        bars={folders.entries
          .map((entry) => {
            const { cwd = '' } = entry
            return barOf(cwd, entry, { name: nameOf(cwd), title: cwd, onChoose: () => onFolder(cwd) })
          })
          .sort(biggestFirst)}
      />
      <Rows
        name="By model"
        measure={name}
        bars={models.entries.map((entry) => barOf(entry.model ?? 'unknown', entry)).sort(biggestFirst)}
      />
      {(folders.truncated || models.truncated) && <p class="about">There are more; the sums above have them all.</p>}
    </>
  )
}

function Totals({ total }: { total: Used }) {
  const { runs, outcomes, cost_usd: usd, duration_ms: ms, usage } = total
  const others = [
    outcomes?.failed ? `${outcomes.failed} failed` : '',
    outcomes?.interrupted ? `${outcomes.interrupted} stopped` : '',
  ].filter((part) => part !== '')
  const read = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens
  const cached = read > 0 ? Math.round((100 * usage.cache_read_input_tokens) / read) : 0
  return (
    <dl class="totals">
      <div>
        <dt>Cost</dt>
        <dd>{money(usd ?? 0)}</dd>
        <dd class="about">as the agent estimates</dd>
      </div>
      <div>
        <dt>Runs</dt>
        <dd>{runs}</dd>
        <dd class="about">{others.join(', ') || 'all went well'}</dd>
      </div>
      <div>
        <dt>Tokens read</dt>
        <dd>{count(read)}</dd>
        <dd class="about">{cached}% from the cache</dd>
      </div>
      <div>
        <dt>Tokens written</dt>
        <dd>{count(usage.output_tokens)}</dd>
        {ms != null && <dd class="about">in {duration(ms)}, waits included</dd>}
      </div>
    </dl>
  )
}

function shortDay(day: string): string {
  return SHORT.format(new Date(day))
}

const SHORT = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' })
