import { nameOf } from '../../conversations.ts'
import { addressOf, addressOfFiles } from '../../route.ts'
import { client } from '../../service.ts'
import { useAnswer } from '../answer.ts'
import { Failure } from '../failure.tsx'
import { Head } from '../head.tsx'
import { Content } from './content.tsx'
import { Directory } from './directory.tsx'
import { GitChanges } from './git.tsx'

/** What lies in a conversation's folder, and what has changed there. */
export function FilesView({ id, path }: { id: string; path: string }) {
  const asked = useAnswer(id, (signal) => client.conversation(id, undefined, { signal }))
  const cwd = asked.is === 'there' ? asked.answer.cwd : undefined
  const isDirectory = path === '' || path.endsWith('/')
  return (
    <main class="conversation" aria-label="Files">
      <Head title={cwd === undefined ? 'Files' : nameOf(cwd)} about={cwd} back={addressOf(id)}>
        <a class="button" href={addressOf(id)}>
          Transcript
        </a>
      </Head>
      <div class="sheet wide">
        {asked.is === 'refused' && <Failure words={asked.why} />}
        {cwd !== undefined && path === '' && <GitChanges cwd={cwd} />}
        {cwd !== undefined && (
          <section aria-label="Files in the folder" class="changes">
            <Trail id={id} path={path} name={nameOf(cwd)} />
            {isDirectory ? (
              <Directory key={path} id={id} cwd={cwd} path={path} />
            ) : (
              <Content key={path} cwd={cwd} path={path} />
            )}
          </section>
        )}
      </div>
    </main>
  )
}

/** Where one is, and the way up. */
function Trail({ id, path, name }: { id: string; path: string; name: string }) {
  const parts = path.split('/').filter((part) => part !== '')
  return (
    <h2 class="trail">
      <a href={addressOfFiles(id)}>{name}</a>
      {parts.map((part, at) => {
        const to = parts.slice(0, at + 1).join('/')
        const isLast = at === parts.length - 1
        return (
          <span key={to}>
            {' / '}
            {isLast ? part : <a href={addressOfFiles(id, `${to}/`)}>{part}</a>}
          </span>
        )
      })}
    </h2>
  )
}
