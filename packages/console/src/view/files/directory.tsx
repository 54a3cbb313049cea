import type { Answer } from '@claude-proxy/protocol/endpoints'
import { count } from '../../amounts.ts'
import { addressOfFiles } from '../../route.ts'
import { client } from '../../service.ts'
import { useAnswer } from '../answer.ts'
import { NotThere } from '../not-there.tsx'

type Entry = Answer<'FileList'>['entries'][number]

/** What is in a directory, the directories first. */
export function Directory({ id, cwd, path }: { id: string; cwd: string; path: string }) {
  const asked = useAnswer(`${cwd} ${path}`, (signal) => {
    const query = { cwd, path: path === '' ? undefined : path.slice(0, -1), limit: 500, hidden: true }
    return client.files(query, { signal })
  })
  if (asked.is !== 'there') return <NotThere asked={asked} />
  const { entries, next_cursor: next } = asked.answer
  const sorted = entries.toSorted((a, b) => Number(isDirectory(b)) - Number(isDirectory(a)))
  return (
    <>
      {entries.length === 0 && <p class="about">Nothing is in it.</p>}
      <ul class="entries">
        {sorted.map((entry) => (
          <li key={entry.name}>
            <a class="row" href={addressOfFiles(id, `${path}${entry.name}${isDirectory(entry) ? '/' : ''}`)}>
              <span class="title">
                {entry.name}
                {isDirectory(entry) && '/'}
              </span>
              {!isDirectory(entry) && <span class="about">{count(entry.size)} B</span>}
            </a>
          </li>
        ))}
      </ul>
      {next !== null && <p class="about">There are more than are shown.</p>}
    </>
  )
}

function isDirectory({ kind, leads_to: to }: Entry): boolean {
  return kind === 'directory' || to === 'directory'
}
