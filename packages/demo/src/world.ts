import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startScriptedModel } from '@claude-proxy/scripted-model/model'
import { listening, LogTail, startServer, stopServer } from './server.ts'

/** Everything that the demo runs: the scripted model, the service with the real Claude Code, a folder to work in. */
export interface World {
  readonly url: string
  /** A fresh folder for the agent to work in. */
  readonly folder: string
  /** The last lines that the service has logged. */
  readonly log: LogTail
  /** Resolves when the service is gone, wanted or not. */
  readonly ended: Promise<void>
  /** Stops the service and the model and removes the folders. Resolves to how the service ended. */
  close(): Promise<string>
}

/** Builds the world on a port; 0 takes any. What was started is stopped again when a later step fails. */
export async function buildWorld(port: number, signal: AbortSignal): Promise<World> {
  await using built = new AsyncDisposableStack()
  const root = built.adopt(await mkdtemp(join(tmpdir(), 'claude-proxy-demo-')), removeFolder)
  const [folder, home] = [join(root, 'work'), join(root, 'home')]
  await mkdir(folder)
  await mkdir(home)
  const model = built.adopt(await startScriptedModel(), (running) => running.close())
  // From nothing: no account, key or setting of whoever runs the demo gets in.
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ANTHROPIC_API_KEY: 'dummy',
    ANTHROPIC_BASE_URL: model.url,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  }
  let end = ''
  const server = built.adopt(startServer(port, join(root, 'data'), env), async (running) => {
    end = await stopServer(running)
  })
  const log = new LogTail(server)
  const url = await listening(server, log, signal)
  const ended = once(server, 'exit').then(() => {})
  const all = built.move()
  const close = async () => {
    await all.disposeAsync()
    return end
  }
  return { url, folder, log, ended, close }
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}
