import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sdk } from '../baselines/sdk.ts'
import { fetchBulk } from './bulk.ts'
import { machineMs } from './clock.ts'
import { openDoor } from './door.ts'
import type { Context } from './part.ts'
import { type Helper, startScript } from './processes.ts'
import { type Service, startService, streamRequest } from './service.ts'

/** The service and a script that uses the SDK, both with the real Claude Code, both before the same scripted model. */
export interface Agents extends AsyncDisposable {
  readonly service: Service
  readonly sdk: Helper<Sdk>
  folder(): Promise<string>
  /** A prompt to the service: milliseconds from the request until the model is asked. Resolves when the run is over. */
  viaService(conversation: string, cwd: string): Promise<number>
  /** A prompt through the SDK, to a new process or to the one that stays. */
  viaSdk(cwd: string): Promise<number>
  viaLiveSdk(): Promise<number>
}

/** Builds everything; the agents' environment holds nothing of ours. */
export async function startAgents(context: Context, flags: readonly string[]): Promise<Agents> {
  await using built = new AsyncDisposableStack()
  const scratch = await mkdtemp(join(context.scratch, 'agents-'))
  const door = built.use(await openDoor())
  const env = await agentEnvironment(join(scratch, 'home'), door.url)
  const dataDir = join(scratch, 'data')
  const service = built.use(await startService({ dataDir, agent: 'claude', flags, env }))
  const file = fileURLToPath(new URL('../baselines/sdk.ts', import.meta.url))
  const sdk = built.use(startScript<Sdk>(file, { env: { ...env, HOME: join(scratch, 'home-sdk') } }))
  await mkdir(join(scratch, 'home-sdk'))
  const all = built.move()
  let count = 0
  const newPrompt = () => `prompt-${process.pid}-${++count}`

  return {
    service,
    sdk,
    folder: () => mkdtemp(join(scratch, 'work-')),
    async viaService(conversation, cwd) {
      const text = newPrompt()
      const arrival = door.arrival(text)
      const askedAt = machineMs()
      const request = streamRequest({ conversation_id: conversation, cwd, text }, 0)
      const run = await fetchBulk({ port: service.port, request, check: 'frames' })
      if (run.status !== 200) throw new Error(`the service answered ${run.status}`)
      return (await arrival) - askedAt
    },
    async viaSdk(cwd) {
      const text = newPrompt()
      const arrival = door.arrival(text)
      const askedAt = await sdk.ask('once', { cwd, text })
      return (await arrival) - askedAt
    },
    async viaLiveSdk() {
      const text = newPrompt()
      const arrival = door.arrival(text)
      const askedAt = await sdk.ask('say', text)
      return (await arrival) - askedAt
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  }
}

/** The environment of an agent that reaches the model behind `url` and nothing else. */
export async function agentEnvironment(home: string, url: string): Promise<Record<string, string>> {
  await mkdir(home, { recursive: true })
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ANTHROPIC_API_KEY: 'dummy',
    ANTHROPIC_BASE_URL: url,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  }
}
