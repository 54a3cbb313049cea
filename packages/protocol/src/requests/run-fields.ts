import { z } from 'zod'
import { optional, wellFormed } from './fields.ts'

const toolNames = z.array(z.string().max(512)).max(1000)

const McpServer = z.union([
  z.object({
    type: z.literal('stdio').optional(),
    command: z.string(),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
  }),
  z.object({ type: z.enum(['http', 'sse']), url: z.url(), headers: z.record(z.string(), z.string()).optional() }),
])

/** Flags for the agent's command line could run anything: they are refused, not passed over like a field that we do not know. */
const noExtraArgs = z
  .unknown()
  .refine(isEmpty, 'is never taken from a request: it could run anything, and no configuration allows it')

/** A model's name goes on to the agent as it is; it has to look like one, also on a command line. */
export const model = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:@/[\]-]{0,255}$/, 'must be the name of a model: letters, digits and . _ : @ / [ ] -')
export const effort = z.enum(['low', 'medium', 'high', 'xhigh', 'max'])
export const permissionMode = z.enum(['default', 'acceptEdits', 'plan', 'dontAsk', 'auto', 'bypassPermissions'])

/** What a run can be asked for. */
export const runFields = {
  allowed_tools: optional(toolNames).describe('Tools that need no question.'),
  tool_approvals: optional(z.object({ allow: optional(toolNames), deny: optional(toolNames) })).describe(
    'Answers given in advance; `deny` wins.',
  ),
  system_prompt: optional(wellFormed).describe("Added to the agent's own."),
  max_turns: optional(z.int().min(0).max(100_000)).describe('How often the model is asked at most; 0 is no limit.'),
  max_budget_usd: optional(z.number().positive().max(100_000)).describe(
    "What the run may cost at most, by the agent's own estimate; it ends with `error_max_budget_usd`.",
  ),
  model: optional(model),
  effort: optional(effort).describe('How much the model is to make of it; models that know none are not told.'),
  permission_mode: optional(permissionMode),
  mcp_servers: optional(z.union([z.string().min(1), z.record(z.string(), McpServer)])),
  resume: optional(z.uuid('must be the UUID of an agent session')).describe('The session of the agent to go on with.'),
  continue_conversation: optional(z.boolean()).describe(
    'A conversation without a session takes the latest of its folder.',
  ),
  settings: optional(z.union([z.string().min(1), z.record(z.string(), z.unknown())])),
  setting_sources: optional(z.array(z.enum(['user', 'project', 'local']))),
  extra_args: optional(noExtraArgs),
  approval_deadline: optional(
    z.object({
      seconds: z.int().min(1).max(31_536_000),
      outcome: z.enum(['deny', 'interrupt']).default('deny'),
    }),
  ),
  can_answer: optional(z.array(z.enum(['question', 'plan', 'elicitation']))).describe(
    'What the client can answer besides yes and no.',
  ),
}
export type RunFields = z.infer<z.ZodObject<typeof runFields>>

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}
