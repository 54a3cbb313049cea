import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Folder } from '@claude-proxy/protocol/ids'
import type { Environment } from './environment.ts'
import { prepareLaunch } from './launch.ts'

/** Starts an agent as a run in an untrusted folder would, and has it answer one word. `said`: what came of it. */
export async function tryLogin(
  environment: Environment,
  signal: AbortSignal,
): Promise<{ readonly isError: boolean; readonly said: string }> {
  const { query } = await import('@anthropic-ai/claude-agent-sdk')
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'claude-proxy-doctor-')))
  const stop = new AbortController()
  signal.addEventListener('abort', () => stop.abort(signal.reason), { signal: stop.signal })
  let answer: { isError: boolean; said: string } | undefined
  try {
    const context = { environment, trusts: () => false, directory: join(folder, 'agent'), showsPartials: false }
    const { options } = await prepareLaunch({ maxTurns: 1 }, folder as Folder, context)
    const messages = query({
      prompt: 'Answer with the word ok and nothing else.',
      options: { ...options, tools: [], persistSession: false, abortController: stop },
    })
    for await (const message of messages) {
      if (message.type !== 'result') continue
      const said = message.subtype === 'success' ? message.result : message.errors.join(' ')
      answer = { isError: message.is_error, said }
    }
  } catch (error) {
    // An error result makes it throw, too.
    answer ??= { isError: true, said: error instanceof Error ? error.message : String(error) }
  } finally {
    stop.abort()
    await rm(folder, { recursive: true, force: true })
  }
  return answer ?? { isError: true, said: 'The agent ended without a result.' }
}
