import type { Folder, RunId } from '@claude-proxy/protocol/ids'
import type { Repeated, RequestKey } from '../../core/ports/run.ts'
import type { State } from './state.ts'

export function requestOf(state: State, folder: Folder, key: RequestKey | undefined): Repeated | undefined {
  const known = key && state.requests.get(name(folder, key))
  // what it came to may have been deleted
  if (known === undefined || !(state.runs.has(known.run) || state.prompts.has(known.run))) return undefined
  return known.digest === key?.digest ? { status: 'repeated', run: known.run } : { status: 'reused' }
}

export function remember(state: State, folder: Folder, key: RequestKey | undefined, run: RunId, at: number): void {
  if (key !== undefined) state.requests.set(name(folder, key), { digest: key.digest, run, at })
}

export function rememberRequest(
  state: State,
  { folder, key, run, at }: { folder: Folder; key: RequestKey; run: RunId; at: number },
): void {
  if (requestOf(state, folder, key) === undefined) remember(state, folder, key, run, at)
}

export function forgetRequests(state: State, before: number): number {
  const old = [...state.requests].filter(([, { at }]) => at < before)
  for (const [key] of old) state.requests.delete(key)
  return old.length
}

function name(folder: Folder, { key }: RequestKey): string {
  return JSON.stringify([folder, key])
}
