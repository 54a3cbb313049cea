import type { Answer } from '@claude-proxy/protocol/endpoints'
import { client } from '../../service.ts'
import { useAnswer } from '../answer.ts'
import { Patch } from '../patch.tsx'

type Changed = Answer<'GitDiff'>['files'][number]

/** What has changed in the folder since the last commit. */
export function GitChanges({ cwd }: { cwd: string }) {
  const asked = useAnswer(cwd, async (signal) => {
    const status = await client.gitStatus({ cwd }, { signal })
    // Before the first commit there is nothing to compare with.
    const from = status.commit === null ? {} : { from: status.commit }
    const diff = await client.gitDiff({ cwd, ...from }, { signal })
    return { status, diff }
  })
  if (asked.is === 'coming') return undefined
  // Most often that this is no repository.
  if (asked.is === 'refused') return <p class="about">{asked.why}</p>
  const { status, diff } = asked.answer
  const untracked = status.files.filter(({ unstaged }) => unstaged === 'untracked')
  const title = `Not committed${status.branch === null ? '' : ` on ${status.branch}`}`
  return (
    <section class="changes" aria-label={title}>
      <h2>{title}</h2>
      {diff.files.length + untracked.length === 0 && <p class="about">Everything is committed.</p>}
      {diff.files.map((file) => (
        <Change key={file.path} file={file} />
      ))}
      {untracked.map(({ path }) => (
        <p key={path}>
          <span class="gist">{path}</span> <span class="about">not known to Git</span>
        </p>
      ))}
      {(diff.truncated || status.truncated) && <p class="about">There was more than can be shown.</p>}
    </section>
  )
}

function Change({ file: { path, status, additions, deletions, patch, binary } }: { file: Changed }) {
  return (
    <details>
      <summary>
        <span class="gist">{path}</span>
        <span class="about">
          {' '}
          {status.replace('_', ' ')} {additions !== null && <span class="plus">+{additions}</span>}{' '}
          {deletions !== null && <span class="minus">−{deletions}</span>}
        </span>
      </summary>
      {binary || patch === null ? (
        <p class="about">{binary ? 'It is no text.' : 'The change is too long to be shown.'}</p>
      ) : (
        <Patch path={path} patch={patch} />
      )}
    </details>
  )
}
