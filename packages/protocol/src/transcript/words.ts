import type { What } from './turns.ts'

/** How an entry is called where it is shown. */
export function labelOf(what: What): string {
  switch (what.kind) {
    case 'prompt':
      return what.steers ? 'Prompt on the way' : 'Prompt'
    case 'answer':
      return 'Answer'
    case 'thinking':
      return 'Thinking'
    case 'call':
      return `Calls ${what.tool}`
    case 'outcome':
      return `${what.isError ? 'Error' : 'Result'}${what.tool === undefined ? '' : ` of ${what.tool}`}`
    case 'asked':
      return `Asks for permission: ${what.tool}`
    case 'settled':
      return settledLabel(what)
    case 'note':
      return 'Note'
    default:
      return endLabel(what)
  }
}

function settledLabel({ tool, how, behavior, by }: Extract<What, { kind: 'settled' }>): string {
  const outcome =
    how === 'answered' ? (behavior === 'allow' ? 'Allowed' : 'Denied') : how === 'expired' ? 'Expired' : 'Cancelled'
  return `${outcome}${tool === undefined ? '' : `: ${tool}`}${by === '' ? '' : ` (by ${by})`}`
}

function endLabel({ subtype, isError, durationMs, costUsd, agentTurns }: Extract<What, { kind: 'end' }>): string {
  const facts = [
    ...(agentTurns === undefined ? [] : [`${agentTurns} ${agentTurns === 1 ? 'turn' : 'turns'} of the agent`]),
    ...(durationMs === undefined ? [] : [`${(durationMs / 1000).toFixed(1)} s`]),
    ...(costUsd === undefined ? [] : [`$${costUsd.toFixed(4)}`]),
  ]
  const outcome = isError ? `Ended with ${subtype}` : 'Done'
  return facts.length === 0 ? outcome : `${outcome} (${facts.join(', ')})`
}
