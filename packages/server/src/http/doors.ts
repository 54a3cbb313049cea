import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
// Only Hono's router: no dependencies, six small files, strict about slashes; its web objects would cost each open stream.
import { TrieRouter } from 'hono/router/trie-router'

/** A door of the table, and what a path names in it, decoded. */
export interface Door {
  readonly name: EndpointName
  readonly params: Readonly<Record<string, string>>
}

/** Finds the door at a path, whatever the method. */
export function createDoors(): (path: string) => Door | undefined {
  const router = new TrieRouter<EndpointName>()
  for (const name of Object.keys(ENDPOINTS) as EndpointName[]) router.add('ALL', ENDPOINTS[name].path, name)

  return (path) => {
    const [[found]] = router.match('ALL', path)
    if (!found) return undefined
    const [name, texts] = found
    const params = Object.entries(texts).map(([key, text]) => [key, decode(String(text))])
    return { name, params: Object.fromEntries(params) }
  }
}

/** What is not well encoded stays as it is: the schemas refuse it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
