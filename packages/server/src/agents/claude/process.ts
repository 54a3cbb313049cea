import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import type { Options, Query, RewindFilesResult, SDKUserMessage, SpawnOptions } from '@anthropic-ai/claude-agent-sdk'
import type { AgentProcess, Attached } from '../../core/ports/agent.ts'
import type { AgentFacts } from '../../core/ports/account.ts'
import type { RunOptions } from '../../core/ports/run.ts'
import { Queue } from '../queue.ts'
import type { AgentMessage } from './normalise.ts'
import { contentOf } from './content.ts'
import { type Marks, marked } from './mark.ts'
import { endAll, identify, signalAll, tree } from './process-tree.ts'

export interface ProcessHooks {
  readonly onMessage: (message: AgentMessage) => void
  /** The process is gone. `why` is a sentence with the last words it wrote to stderr. */
  readonly onGone: (why: string) => void
}

/** One living Claude Code, with its input held open. */
export interface ClaudeProcess {
  /** What the operating system calls it; undefined when it could not be started. */
  readonly identity: Promise<AgentProcess | undefined>
  /** Resolves when it has started up, or failed to. */
  readonly ready: Promise<void>
  /** Sends a prompt, with what came with it. `uuid` comes back in what the agent says of it. */
  prompt(text: string, uuid: string, attached?: readonly Attached[]): void
  /** Stops the turn. */
  interrupt(): Promise<void>
  stopTask(taskId: string): Promise<void>
  /** Puts files back as they were at the prompt with this uuid, or says which it would. */
  rewind(uuid: string, how: { readonly dryRun: boolean }): Promise<RewindFilesResult>
  /** The model of the next request, also amid a turn; null is the default. Rejects when the Messages API has none such. */
  setModel(model: string | null): Promise<void>
  /** From the next turn on; null is the model's default. */
  setEffort(effort: NonNullable<RunOptions['effort']> | null): Promise<void>
  /** At once, also amid a turn. */
  setPermissionMode(mode: NonNullable<RunOptions['permissionMode']>): Promise<void>
  /** Model and effort of the next turn, as the agent itself says. Nothing where it does not. */
  applied(): Promise<AgentFacts>
  /** Ends the process and everything it began: closes its input, then SIGTERM, then SIGKILL; or SIGKILL `atOnce`. */
  close(how?: { readonly atOnce?: boolean }): Promise<void>
}

const STDERR_KEPT = 8 * 1024
/** How long the agent may take to leave when its input is closed and it got its SIGTERM. */
const LEAVE_MS = 2000
/** How long it may take to say what it works with: whoever changes that waits, and can do without. */
const APPLIED_MS = 10_000

/** Starts Claude Code through the SDK. `options` are complete but for what belongs to the process itself. */
export async function startProcess(options: Options, marks: Marks, hooks: ProcessHooks): Promise<ClaudeProcess> {
  // The SDK is large; a service that only replays never loads it.
  const { query } = await import('@anthropic-ai/claude-agent-sdk')
  const input = new Queue<Prompt>()
  const identity = Promise.withResolvers<AgentProcess | undefined>()
  const gone = Promise.withResolvers<void>()
  const { mark, environment } = marks.next()
  let stderr = ''

  const agent = query({
    prompt: written(input, hooks),
    options: {
      ...options,
      spawnClaudeCodeProcess(spawning) {
        const child = spawnTied({ ...spawning, env: { ...spawning.env, ...environment } })
        // Somebody has to hear it, or it ends the service; the SDK tells us why.
        child.on('error', () => {})
        // Node leaves the pipes out when it has no file handles for them.
        if ((child.stderr as typeof child.stderr | undefined) === undefined)
          throw new Error('The agent process cannot be started: this service has too many files open.')
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr = (stderr + text).slice(-STDERR_KEPT)
        })
        identity.resolve(child.pid === undefined ? undefined : identify(child.pid))
        return child
      },
    },
  })
  void read(agent, hooks).then((why) => {
    identity.resolve(undefined)
    gone.resolve()
    hooks.onGone(stderr.trim() ? `${why} ${stderr.trim()}` : why)
  })

  return {
    identity: identity.promise,
    // A failed start is told by `onGone`.
    ready: agent.initializationResult().then(
      () => {},
      () => {},
    ),
    prompt: (text, uuid, attached = []) => input.push({ text, uuid, attached }),
    async interrupt() {
      await agent.interrupt()
    },
    async stopTask(taskId) {
      await agent.stopTask(taskId)
    },
    rewind: (uuid, how) => agent.rewindFiles(uuid, how),
    async setModel(model) {
      await agent.setModel(model ?? undefined)
    },
    async setEffort(effort) {
      await agent.applyFlagSettings({ effortLevel: effort })
    },
    async setPermissionMode(mode) {
      await agent.setPermissionMode(mode)
    },
    async applied() {
      const late = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => late.resolve(undefined), APPLIED_MS)
      try {
        return readApplied(await Promise.race([(agent as Query & Partial<Untyped>).getSettings?.(), late.promise]))
      } catch {
        // It is busy leaving.
        return {}
      } finally {
        clearTimeout(timer)
      }
    },
    async close({ atOnce = false } = {}) {
      const self = await identity.promise
      // Looked up first: once it is gone, its children are nobody's.
      const family = self ? await tree(self) : []
      if (atOnce) await signalAll(family, 'SIGKILL')
      input.end()
      agent.close()
      await Promise.race([gone.promise, new Promise((resolve) => setTimeout(resolve, LEAVE_MS).unref())])
      if (self) await endAll([self], LEAVE_MS)
      await signalAll(family, 'SIGKILL')
      // What it began without staying its parent, or when it died before we asked.
      await signalAll(await marked(mark), 'SIGKILL')
    },
  }
}

interface Prompt {
  readonly text: string
  readonly uuid: string
  readonly attached: readonly Attached[]
}

/** The prompts as the agent takes them, in order. Only then are the bytes of what came with one in memory. */
async function* written(prompts: AsyncIterable<Prompt>, hooks: ProcessHooks): AsyncGenerator<SDKUserMessage> {
  for await (const { text, uuid, attached } of prompts) {
    try {
      yield {
        type: 'user',
        message: { role: 'user', content: await contentOf(text, attached) },
        parent_tool_use_id: null,
        uuid: uuid as NonNullable<SDKUserMessage['uuid']>,
      }
    } catch (error) {
      // Without it, the prompt would mean something else.
      hooks.onGone(
        `What came with the prompt cannot be read. ${error instanceof Error ? error.message : String(error)}`,
      )
      return
    }
  }
}

/** What the SDK offers and its types do not list: only the agent knows what a model makes of an effort. */
interface Untyped {
  getSettings(): Promise<unknown>
}

function readApplied(settings: unknown): AgentFacts {
  const { applied } = (settings ?? {}) as { applied?: { model?: unknown; effort?: unknown } }
  const effort = applied?.effort
  return {
    ...(typeof applied?.model === 'string' && { model: applied.model }),
    ...((effort === null || typeof effort === 'string') && { effort }),
  }
}

/** Reads all messages; resolves with why there are no more. */
async function read(agent: Query, hooks: ProcessHooks): Promise<string> {
  try {
    for await (const message of agent) hooks.onMessage(message)
    return 'The agent process has ended.'
  } catch (error) {
    return `The agent process has ended: ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * Spawns the command so that it does not outlive this process, not even a SIGKILL: the kernel sends it a SIGTERM
 * (Linux with setpriv; elsewhere the next start finds what is left). In a session of its own, so that Ctrl-C in the
 * terminal reaches us alone and we end it in order.
 */
function spawnTied({ command, args, cwd, env, signal }: SpawnOptions) {
  const tied = SETPRIV === undefined ? [command, ...args] : [SETPRIV, '--pdeathsig', 'TERM', '--', command, ...args]
  const [file = command, ...rest] = tied
  return spawn(file, rest, {
    ...(cwd !== undefined && { cwd }),
    env,
    signal,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => {
  try {
    accessSync(path, constants.X_OK)
    return process.platform === 'linux'
  } catch {
    return false
  }
})
