import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import { toLine } from '@claude-proxy/protocol/json'
import { createScriptedAgent } from '../../packages/server/src/agents/scripted/agent.ts'
import { type Load, loadDirective } from './load.ts'

/** The lines of a load as the service's own scripted agent makes them, for baselines that are to get the same events. */
export async function* scriptedLines(load: Load): AsyncGenerator<string> {
  const agent = createScriptedAgent({ clock: { now: Date.now } })
  const work = agent.work({
    run: 'bench' as RunId,
    conversation: 'bench' as ConversationId,
    folder: '/' as Folder,
    text: loadDirective(load),
    options: {},
    sessionId: undefined,
    forbids: () => false,
  })
  for await (const happening of work) {
    if (happening.kind === 'event' && happening.payload.type === 'assistant') yield toLine(happening.payload)
  }
}
