import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { AgentMessage } from '../../src/agents/claude/normalise.ts'
import { Turn } from '../../src/agents/claude/turn.ts'
import type { Happening, Job } from '../../src/core/ports/agent.ts'

const NOW = Date.UTC(2026, 0, 1)

/** A turn with made-up surroundings: how many agents work in the background, and what was asked of the process. */
export function newTurn({ sessionId, woken = false, settleMs = 2 ** 31 - 1 }: Asked = {}) {
  const job: Job = {
    run: 'r' as RunId,
    conversation: 'c' as ConversationId,
    folder: '/f' as Folder,
    text: 'Hello',
    options: {},
    sessionId,
    forbids: () => false,
  }
  const turn = new Turn({ job, clock: { now: () => NOW }, promptUuid: woken ? undefined : 'prompt', settleMs })
  const asked: string[] = []
  const sent: string[] = []
  const surroundings = { agents: 0 }
  const attach = () =>
    turn.attach({
      interrupt: () => asked.push('interrupt'),
      steer: (text, uuid) => {
        asked.push(`steer ${text}`)
        sent.push(uuid)
      },
      backgroundAgents: () => surroundings.agents,
      stopBackgroundAgents: () => asked.push('stop agents'),
      sessionMissing: () => asked.push('session missing'),
      ended: () => asked.push('ended'),
    })
  return {
    turn,
    asked,
    /** The uuids of the prompts that steered it, in order. */
    sent,
    surroundings,
    attach,
    take: (...messages: AgentMessage[]) => messages.forEach((message) => turn.take(message)),
    /** All that came out, when it is over. */
    outcome: () => Array.fromAsync(turn, describe),
  }
}

interface Asked {
  readonly sessionId?: string
  readonly woken?: boolean
  readonly settleMs?: number
}

/** The same, with its process. */
export function attached(asked?: Asked) {
  const made = newTurn(asked)
  made.attach()
  return made
}

/** A happening in a word or two. */
function describe(happening: Happening): string {
  if (happening.kind === 'session') return `session ${happening.sessionId}`
  if (happening.kind === 'ask') return `ask ${happening.request.tool}`
  if (happening.kind === 'steered') return `steered ${happening.prompt} ${happening.outcome}`
  if (happening.kind === 'settling') return 'settling'
  if (happening.kind === 'partial') return `partial ${happening.update.kind}`
  if (happening.kind === 'facts' || happening.kind === 'usage' || happening.kind === 'mode') return happening.kind
  const payload = happening.kind === 'end' ? happening.result : happening.payload
  const words = [payload['result'], payload['text']].filter((text) => typeof text === 'string')
  const name = [payload.type, payload['subtype']].filter((word) => typeof word === 'string').join('/')
  return [happening.kind, name, ...words].join(' ')
}

export const init: AgentMessage = { type: 'system', subtype: 'init', session_id: 's' }
export const idle: AgentMessage = { type: 'system', subtype: 'session_state_changed', state: 'idle' }
export const running: AgentMessage = { ...idle, state: 'running' }
export const asks: AgentMessage = { ...idle, state: 'requires_action' }
export const started: AgentMessage = { type: 'command_lifecycle', command_uuid: 'prompt', state: 'started' }
export const completed: AgentMessage = { ...started, state: 'completed' }
export const says = (text: string): AgentMessage => ({ type: 'assistant', session_id: 's', text })
export const result = (text: string): AgentMessage => ({
  type: 'result',
  subtype: 'success',
  session_id: 's',
  result: text,
})
