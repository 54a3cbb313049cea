import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ScriptedModel, startScriptedModel } from '@claude-proxy/scripted-model/model'
import { type Config, readConfig } from '../../src/config.ts'
import type { Bell, Log } from '../../src/core/ports/outside.ts'
import { startService } from '../../src/service.ts'

/** A service under test, with folders of its own. Everything is gone when it is disposed. */
export interface TestService extends AsyncDisposable {
  readonly base: string
  /** A fresh, empty folder for an agent to work in. */
  folder(name?: string): string
  /** What the service logged as a warning or an error. */
  readonly complaints: readonly string[]
  /** Stops the service and starts it again on the same data. */
  restart(): Promise<void>
  /** Stops the service, does something to its data, and starts it again. */
  pause(meanwhile: () => Promise<void>): Promise<void>
  readonly dataDir: string
  /** The agent's HOME: its sessions lie below it. */
  readonly home: string
  /** What answers the real agent; undefined for the scripted one. */
  readonly model: ScriptedModel | undefined
}

export type AgentName = 'scripted' | 'claude'

export interface TestOptions {
  readonly agent?: AgentName
  readonly config?: Partial<Config>
  /** Variables besides those that make the agent run without network and account. */
  readonly environment?: Record<string, string>
  /** What prompts stand for that hold no directives themselves; for the real agent. */
  readonly scriptOf?: (prompt: string) => string
  /** Another bell than the service's own. */
  readonly bell?: Bell
}

/** Starts the real service on a free port; the agent's environment is built from nothing. */
export async function startTestService({
  agent = 'scripted',
  config = {},
  environment = {},
  scriptOf,
  bell,
}: TestOptions = {}): Promise<TestService> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-test-')))
  const home = join(root, 'home')
  mkdirSync(home)
  const model = agent === 'claude' ? await startScriptedModel({ ...(scriptOf && { scriptOf }) }) : undefined
  const complaints: string[] = []
  const log: Log = {
    info() {},
    warn: (message, details) => complaints.push(`${message} ${JSON.stringify(details)}`),
    error: (message, details) => complaints.push(`${message} ${describe(details)}`),
  }
  const full: Config = {
    ...readConfig(['--port', '0', '--data-dir', join(root, 'data'), '--agent', agent], {}),
    ...config,
  }
  const clean = { ...agentTestEnvironment(home, model?.url), ...environment }
  let service = await startService(full, clean, log, bell)
  let folders = 0

  async function pause(meanwhile: () => Promise<void>): Promise<void> {
    await service.stop()
    await meanwhile()
    service = await startService(full, clean, log, bell)
    await service.recovered
  }

  return {
    get base() {
      return service.url
    },
    dataDir: full.dataDir,
    home,
    model,
    complaints,
    folder(name = `folder-${++folders}`) {
      const path = join(root, 'work', name)
      mkdirSync(path, { recursive: true })
      return path
    },
    restart: () => pause(async () => {}),
    pause,
    async [Symbol.asyncDispose]() {
      await service.stop()
      await model?.close()
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The environment of an agent that can reach the scripted model and nothing else. */
export function agentTestEnvironment(home: string, modelUrl: string | undefined): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ANTHROPIC_API_KEY: 'dummy',
    ...(modelUrl !== undefined && { ANTHROPIC_BASE_URL: modelUrl }),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '1',
  }
}

function describe(details: object | undefined): string {
  const error = details && 'error' in details ? details.error : undefined
  return `${JSON.stringify(details)} ${error instanceof Error ? error.stack : ''}`
}
