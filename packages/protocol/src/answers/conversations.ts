import { z } from 'zod'
import { Approval } from './approvals.ts'
import { folder, id, time, tokens, wholeNumber } from './fields.ts'
import { Attachment } from './prompts.ts'

/** Conversations: as lists show them, in detail, with a past; and which of them is its folder's. */

/** A conversation as a list shows it. */
export const Conversation = z.object({
  conversation_id: id,
  cwd: folder,
  title: z.string().nullable(),
  tags: z.array(z.string()),
  archived: z.boolean(),
  state: z.enum(['idle', 'running', 'waiting']).describe('waiting: for a person'),
  run_id: id.nullable().describe('The run that works in it now.'),
  head: wholeNumber.describe('The number of its last event.'),
  created_at: time,
  active_at: time.describe('When its newest run began.'),
  last_error: z
    .object({ code: z.string(), message: z.string(), run_id: id, at: time })
    .nullable()
    .describe('Of the newest run that went wrong, until one goes well.'),
})

export const Conversations = z.object({
  conversations: z.array(Conversation),
  next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
})

/** What its runs are asked to begin with, and what holds now. */
const setting = <T extends z.ZodType<string | null>>(inUse: T) =>
  z.object({
    asked: z.string().nullable().describe("What the conversation's runs begin with; null is the default."),
    in_use: inUse,
  })

const lastSaid = z.string().nullable().describe('What the agent said last that it works with; null before that.')

/** A conversation with all that waits in it, what it is set to and what it has come to. */
export const ConversationDetails = z.object({
  ...Conversation.shape,
  approvals: z.array(Approval),
  queue: z.array(
    z.object({ prompt_id: id, text: z.string(), attachments: z.array(Attachment).optional(), created_at: time }),
  ),
  model: setting(lastSaid),
  effort: setting(lastSaid),
  permission_mode: setting(
    z.string().describe('In a run what the agent is in, at rest what the next one begins with.'),
  ),
  runs: wholeNumber.describe('How many runs it had, the open one included.'),
  cost_usd: z.number().nullable().describe("The agent's own estimate; null where it never gave one."),
  usage: tokens.describe('Tokens by kind, of all models and subagents.'),
  context: z
    .object({
      tokens: wholeNumber,
      window: wholeNumber.nullable(),
      percent: z.number().nullable(),
      from: z.literal('last_response'),
    })
    .nullable()
    .describe("How full the agent's memory is; null before its first response."),
  rate_limit: z
    .object({
      status: z.string(),
      type: z.string().nullable(),
      used: z.number().nullable().describe('1 is all of it.'),
      resets_at: time.nullable(),
    })
    .nullable()
    .describe("How near the agent's account is to a limit, as it was told last; null where it was not."),
  versions: z.object({
    service: z.string(),
    agent_sdk: z.string().nullable(),
    claude_code: z.string().nullable(),
  }),
})

const takesEffect = z.enum(['now', 'next_run'])

/** A conversation that was changed, and since when each setting holds that was given. */
export const ChangedConversation = z.object({
  ...ConversationDetails.shape,
  takes_effect: z.object({
    model: takesEffect.optional(),
    effort: takesEffect.optional(),
    permission_mode: takesEffect.optional(),
  }),
})

export const DeletedConversation = z.object({ deleted: id })

export const Session = z
  .object({
    session_id: id,
    conversation_id: id.nullable().describe('The conversation that it is here.'),
    title: z.string().nullable(),
    first_prompt: z.string().nullable(),
    git_branch: z.string().nullable(),
    created_at: time.nullable(),
    active_at: time.describe('When it was written last.'),
    bytes: wholeNumber,
    in_use: z.boolean().describe('Whether another process has it open, as far as that is known.'),
  })
  .describe('One of the agent’s own sessions.')

export const Sessions = z.object({ sessions: z.array(Session), next_cursor: z.string().nullable() })

export const Rewound = z.object({
  conversation_id: id,
  to: wholeNumber.describe('The number of the prompt.'),
  dry_run: z.boolean(),
  files: z.array(z.string()).describe('Absolute paths.'),
  insertions: wholeNumber.describe('Lines, in all files together.'),
  deletions: wholeNumber,
})

export const Canonical = z.object({
  canonical_id: id,
  cwd: folder,
  created: z.boolean().describe('Whether it was created by this request.'),
})

export const Activated = z.object({
  conversation_id: id,
  canonical_id: id,
  previous_id: id.nullable().describe('What the folder had before.'),
})
