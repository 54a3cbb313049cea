import type {
  CanUseTool,
  ElicitationResult,
  HookCallback,
  OnElicitation,
  Options,
} from '@anthropic-ai/claude-agent-sdk'
import type { Turn } from './turn.ts'

type Asking = Required<Pick<Options, 'canUseTool' | 'hooks'>> & Pick<Options, 'onElicitation'>

/**
 * What an agent process asks before it goes on, as options for it. `turnOf`: the turn that is under way, or the next one
 * when the agent works although nobody has taken its turn yet.
 */
export function questionsTo(turnOf: () => Promise<Turn>, { elicits }: { elicits: boolean }): Asking {
  const canUseTool: CanUseTool = async (tool, input, about) => {
    const turn = await turnOf()
    const request = {
      kind: KINDS[tool] ?? ('tool' as const),
      isRememberable: about.suppressAlwaysAllowRule !== true,
      tool,
      input,
      suggestions: (about.suggestions ?? []).map((suggestion) => JSON.stringify(suggestion)),
      blockedPath: about.blockedPath,
      toolUseId: about.toolUseID,
    }
    const decision = await turn.ask(request, about.signal)
    if (decision.behavior === 'deny') return { ...decision }
    return { behavior: 'allow', updatedInput: { ...(decision.updatedInput ?? input) } }
  }

  /** An MCP server asks the person. Its request is the input, what they fill in the answers. */
  const onElicitation: OnElicitation = async (asked, { signal }) => {
    const turn = await turnOf()
    const decision = await turn.ask(
      {
        kind: 'elicitation',
        isRememberable: false,
        tool: `mcp__${asked.serverName}`,
        input: { ...asked },
        suggestions: [],
        blockedPath: undefined,
        toolUseId: undefined,
      },
      signal,
    )
    if (decision.behavior === 'deny') return { action: 'decline' }
    return { action: 'accept', content: (decision.updatedInput?.['answers'] ?? {}) as ElicitationContent }
  }

  const beforeTool: HookCallback = async (input) => {
    const { job } = await turnOf()
    const tool = 'tool_name' in input ? input.tool_name : ''
    if (!job.forbids(tool)) return {}
    return {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'deny',
        permissionDecisionReason: `${tool} is not allowed in this conversation.`,
      },
    }
  }

  return {
    canUseTool,
    ...(elicits && { onElicitation }),
    // Asked for every call, also where the agent would not ask for permission.
    hooks: { PreToolUse: [{ hooks: [beforeTool], onFailure: 'block' }] },
  }
}

type ElicitationContent = NonNullable<ElicitationResult['content']>

/** Tools that ask a person in a form of their own. */
const KINDS: Record<string, 'question' | 'plan'> = { AskUserQuestion: 'question', ExitPlanMode: 'plan' }
