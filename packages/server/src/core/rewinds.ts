import { AppError } from '@claude-proxy/protocol/errors'
import { type FileChanges, rewoundEvent } from '@claude-proxy/protocol/events'
import type { ConversationId, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { conversationUnknown } from './conversations.ts'
import { type FolderRules, findFolder } from './folders.ts'
import type { EventLog } from './log/log.ts'
import type { Agent } from './ports/agent.ts'
import type { Conversation } from './ports/conversation.ts'
import type { Clock } from './ports/outside.ts'
import type { Store } from './ports/store.ts'
import type { Host } from './runs/host.ts'
import { timestamp } from './timestamp.ts'

export interface RewindsDeps {
  readonly store: Store
  readonly events: EventLog
  readonly clock: Clock
  readonly rules: FolderRules
  readonly host: Host
  readonly agent: Pick<Agent, 'rewind'>
}

/** A prompt, by the number of its event or by the run that it began. */
export interface RewindTo {
  readonly number: number | undefined
  readonly run: RunId | undefined
}

export type Rewinds = ReturnType<typeof createRewinds>

/** Putting files back as they were when the agent got a prompt. */
export function createRewinds({ store, events, clock, rules, host, agent }: RewindsDeps) {
  return {
    /** Puts the files back, or says which it would; never while a run is open in the folder. */
    async rewind(
      id: ConversationId,
      to: RewindTo,
      isDryRun: boolean,
    ): Promise<{ readonly to: number; readonly changes: FileChanges }> {
      const known = await store.conversation(id)
      if (!known) throw conversationUnknown(id)
      const folder = await findFolder(known.folder, rules)
      const prompt = await findPrompt(known, to)
      await host.endSettling(folder)
      return host.alone(folder, async () => {
        const sessionId = (await store.conversation(id))?.sessionId
        const rewound =
          sessionId === undefined
            ? { status: 'no_checkpoint' as const, why: 'No agent has worked in this conversation.' }
            : await agent.rewind({ conversation: id, folder, sessionId, prompt: prompt.uuid, isDryRun })
        if (rewound.status === 'no_checkpoint') throw new AppError('no_checkpoint', rewound.why, { to: prompt.number })
        const { changes } = rewound
        if (!isDryRun) await events.note(id, toLine(rewoundEvent(prompt.number, changes, timestamp(clock.now()))))
        return { to: prompt.number, changes }
      })
    },
  }

  async function findPrompt(
    { id, head }: Conversation,
    { number, run }: RewindTo,
  ): Promise<{ number: number; uuid: string }> {
    const begun = run === undefined ? undefined : await store.run(run)
    if (run !== undefined && begun?.conversation !== id)
      throw new AppError('bad_request', `run_id ${run} is no run of this conversation.`)
    const at = begun?.first ?? number ?? 0
    const uuid = at < 1 || at > head ? undefined : promptOf(await store.page(id, at - 1, 1))
    if (uuid !== undefined) return { number: at, uuid }
    throw new AppError('bad_request', `Event ${at} is no prompt that began a run.`)
  }
}

/** What the agent calls the prompt that the first event of a page tells of; undefined when that is none. */
function promptOf({ lines }: { readonly lines: Uint8Array }): string | undefined {
  const [line = ''] = Buffer.from(lines).toString('latin1').split('\n', 1)
  // Deleted while we looked.
  if (line === '') return undefined
  const { type, subtype, uuid, parent_tool_use_id: parent, message }: PromptEvent = JSON.parse(line)
  if (subtype !== 'run_continued' && (type !== 'user' || typeof parent === 'string')) return undefined
  const blocks = Array.isArray(message?.content) ? message.content : []
  const isAnswer = blocks.some((block: { type?: unknown } | null) => block?.type === 'tool_result')
  return typeof uuid === 'string' && !isAnswer ? uuid : undefined
}

interface PromptEvent {
  readonly type?: unknown
  readonly subtype?: unknown
  readonly uuid?: unknown
  readonly parent_tool_use_id?: unknown
  readonly message?: { readonly content?: unknown }
}
