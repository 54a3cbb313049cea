import { ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
// Only Hono's router: no dependencies, six small files, strict about slashes; its web objects would cost each open stream.
import { TrieRouter } from 'hono/router/trie-router'

/** The doors of the table at one path, and what the path names in them, decoded. */
export interface Doors {
  readonly byMethod: ReadonlyMap<string, EndpointName>
  readonly params: Readonly<Record<string, string>>
}

/** Finds the doors at a path. */
export function createDoors(): (path: string) => Doors | undefined {
  const paths = new Map<string, Map<string, EndpointName>>()
  for (const name of Object.keys(ENDPOINTS) as EndpointName[]) {
    const { method, path } = ENDPOINTS[name]
    const byMethod = paths.get(path) ?? new Map<string, EndpointName>()
    paths.set(path, byMethod.set(method, name))
  }
  const router = new TrieRouter<Map<string, EndpointName>>()
  for (const [path, byMethod] of paths) router.add('ALL', path, byMethod)

  return (path) => {
    const [[found]] = router.match('ALL', path)
    if (!found) return undefined
    const [byMethod, texts] = found
    const params = Object.entries(texts).map(([key, text]) => [key, decode(String(text))])
    return { byMethod, params: Object.fromEntries(params) }
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
