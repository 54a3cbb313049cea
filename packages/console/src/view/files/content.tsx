import { useEffect } from 'preact/hooks'
import { client } from '../../service.ts'
import { useAnswer } from '../answer.ts'
import { Plain } from '../code.tsx'
import { NotThere } from '../not-there.tsx'

type Content =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'picture'; readonly address: string }
  | { readonly is: 'other' }

/** A file: its text, or the picture that it is. */
export function Content({ cwd, path }: { cwd: string; path: string }) {
  const asked = useAnswer(`${cwd} ${path}`, (signal) => read(cwd, path, signal))
  const address = asked.is === 'there' && asked.answer.is === 'picture' ? asked.answer.address : undefined
  useEffect(() => () => void (address !== undefined && URL.revokeObjectURL(address)), [address])
  if (asked.is !== 'there') return <NotThere asked={asked} />
  const { answer } = asked
  if (answer.is === 'text') return <Plain text={answer.text} label={`Content of ${path}`} />
  if (answer.is === 'picture') return <img class="picture" src={answer.address} alt={path} />
  return <p class="about">This is neither text nor a picture.</p>
}

async function read(cwd: string, path: string, signal: AbortSignal): Promise<Content> {
  const response = await client.open('file', { query: { cwd, path }, signal })
  const type = response.headers.get('content-type') ?? ''
  if (type.startsWith('text/')) return { is: 'text', text: await response.text() }
  if (!type.startsWith('image/')) return { is: 'other' }
  return { is: 'picture', address: URL.createObjectURL(await response.blob()) }
}
