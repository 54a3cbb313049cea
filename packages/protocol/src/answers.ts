import { z } from 'zod'

/**
 * What the service answers, door by door; errors are `Problem`. Clients pass over fields they do not know: later versions
 * add some.
 */

const id = z.string()
const time = z.iso.datetime().describe('UTC, ISO 8601')
const folder = z.string().describe('The real path of the folder.')
const number = z.int().min(0)

export const Health = z.object({ status: z.literal('ok'), version: z.string(), started_at: time })

export const Ready = z.object({
  status: z.literal('ready'),
  checks: z.array(
    z.object({
      name: z.enum(['service', 'agent', 'store', 'disk']),
      status: z.enum(['ok', 'failed']),
      message: z.string(),
    }),
  ),
})

/** See spec.openapis.org. */
export const OpenApi = z.looseObject({ openapi: z.string() })

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

export const Prepared = z.object({
  canonical_id: id,
  preparing: z.boolean().describe('Whether the operator has chosen that processes are made ready.'),
})

export const Permitted = z.object({ ok: z.literal(true) })

const Decision = z.union([
  z.object({ behavior: z.literal('allow'), updated_input: z.record(z.string(), z.unknown()).nullable() }),
  z.object({ behavior: z.literal('deny'), message: z.string(), interrupt: z.boolean() }),
])

/** A question of the agent's to a person (PROTOCOL.md 7.5). */
export const Approval = z
  .object({
    approval_id: id,
    conversation_id: id,
    run_id: id,
    state: z.enum(['pending', 'allowed', 'denied', 'expired', 'cancelled']),
    kind: z.enum(['tool', 'question', 'plan', 'elicitation']),
    tool_name: z.string(),
    input: z.record(z.string(), z.unknown()),
    permission_suggestions: z.array(z.string()).describe('Rules that the agent suggests. Shown, never applied.'),
    blocked_path: z.string().nullable(),
    tool_use_id: z.string().nullable(),
    rules: z.array(z.string()).describe('What "remember" stores; empty where there is no such rule.'),
    asked_at: time,
    deadline: time.nullable(),
    settled_at: time.nullable(),
    settled_by: z.string().nullable(),
    decision: Decision.nullable(),
  })
  .meta({ id: 'Approval', description: 'A question of the agent to a person.' })

export const Approvals = z.object({ approvals: z.array(Approval) })

export const Rule = z
  .object({
    rule_id: id,
    scope: z.enum(['session', 'project']).describe('Where it holds: in its conversation, or in its folder.'),
    rule: z.string(),
    conversation_id: id,
    cwd: folder,
    approval_id: id.describe('The question that it was the answer to.'),
    created_at: time,
  })
  .meta({ id: 'Rule', description: 'What a person has allowed for good.' })

export const Rules = z.object({ rules: z.array(Rule) })

export const RemovedRule = z.object({ removed: id })

const attachment = {
  name: z.string().nullable(),
  media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'application/pdf', 'text/plain']),
  bytes: number,
  width: z.int().min(1).optional().describe('Of an image, in pixels.'),
  height: z.int().min(1).optional(),
}

/** What came with a prompt. */
export const Attachment = z
  .object({ attachment_id: id, ...attachment })
  .meta({ id: 'Attachment', description: 'Something that came with a prompt.' })

const attachments = z.array(Attachment).optional()

export const Upload = z.object({
  upload_id: id.describe('For the prompt to come; its id as an attachment, too.'),
  ...attachment,
  expires_at: time.describe('When it is removed, unless a prompt has used it.'),
})

export const Prompt = z
  .object({
    prompt_id: id.describe('Also the id of the run that it becomes.'),
    conversation_id: id,
    state: z.enum(['queued', 'steering', 'steered', 'begun', 'cancelled']),
    text: z.string(),
    attachments,
    created_at: time,
  })
  .meta({ id: 'Prompt', description: 'A prompt that came while its folder was busy.' })

export const Queue = z.object({
  conversation_id: id,
  others_ahead: number.describe('Prompts of other conversations in the folder that come before the first of these.'),
  prompts: z.array(Prompt),
})

export const Interrupted = z.object({
  conversation_id: id,
  scope: z.enum(['turn', 'all']),
  stopped: z.object({ run_id: id.nullable(), background: z.boolean() }),
  cancelled_prompt_ids: z.array(id),
  still_queued: z.array(Prompt),
})

/** A conversation as a list shows it. */
export const Conversation = z
  .object({
    conversation_id: id,
    cwd: folder,
    title: z.string().nullable(),
    tags: z.array(z.string()),
    archived: z.boolean(),
    state: z.enum(['idle', 'running', 'waiting']).describe('waiting: for a person'),
    run_id: id.nullable().describe('The run that works in it now.'),
    head: number.describe('The number of its last event.'),
    created_at: time,
    active_at: time.describe('When its newest run began.'),
    last_error: z
      .object({ code: z.string(), message: z.string(), run_id: id, at: time })
      .nullable()
      .describe('Of the newest run that went wrong, until one goes well.'),
  })
  .meta({ id: 'Conversation' })

export const Conversations = z.object({
  conversations: z.array(Conversation),
  next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
})

const setting = <T extends z.ZodType<string | null>>(inUse: T) =>
  z.object({
    asked: z.string().nullable().describe("What the conversation's runs begin with; null is the default."),
    in_use: inUse,
  })
const lastSaid = z.string().nullable().describe('What the agent said last that it works with; null before that.')
export const Hits = z.object({
  hits: z.array(
    z.object({
      conversation_id: id,
      cwd: folder,
      title: z.string().nullable(),
      event_id: number.describe('The number of the event.'),
      kind: z.enum(['prompt', 'answer', 'tool_call']),
      timestamp: z.string().nullable().describe('As the event has it.'),
      snippet: z.object({
        text: z.string().describe('Plain text.'),
        ranges: z
          .array(z.array(number).length(2))
          .describe('Where in the text the words are: [from, to), counted in UTF-16 code units.'),
      }),
    }),
  ),
  next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
  up_to_date: z.boolean().describe('Whether everything was indexed that was stored when it was asked.'),
})

/** A conversation with all that waits in it, what it is set to and what it has come to. */
export const ConversationDetails = z
  .object({
    ...Conversation.shape,
    approvals: z.array(Approval),
    queue: z.array(z.object({ prompt_id: id, text: z.string(), attachments, created_at: time })),
    model: setting(lastSaid),
    effort: setting(lastSaid),
    permission_mode: setting(
      z.string().describe('In a run what the agent is in, at rest what the next one begins with.'),
    ),
    runs: number.describe('How many runs it had, the open one included.'),
    cost_usd: z.number().nullable().describe("The agent's own estimate; null where it never gave one."),
    usage: z
      .object({
        input_tokens: number,
        output_tokens: number,
        cache_read_input_tokens: number,
        cache_creation_input_tokens: number,
      })
      .describe('Tokens by kind, of all models and subagents.'),
    context: z
      .object({
        tokens: number,
        window: number.nullable(),
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
  .meta({ id: 'ConversationDetails' })

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

export const Sent = z.object({
  conversation_id: id,
  run_id: id.nullable(),
  outcome: z
    .enum(['begun', 'attached', 'queued', 'steering', 'repeated'])
    .describe('What became of the prompt; see `X-Proxy-Outcome` in PROTOCOL.md 3.2.'),
  queue_position: z.int().min(1).nullable(),
  watch_since: number.describe('The events after this number tell what happens to the prompt.'),
})

/** One of the agent's own sessions. */
export const Session = z
  .object({
    session_id: id,
    conversation_id: id.nullable().describe('The conversation that it is here.'),
    title: z.string().nullable(),
    first_prompt: z.string().nullable(),
    git_branch: z.string().nullable(),
    created_at: time.nullable(),
    active_at: time.describe('When it was written last.'),
    bytes: number,
    in_use: z.boolean().describe('Whether another process has it open, as far as that is known.'),
  })
  .meta({ id: 'Session', description: 'One of the agent’s own sessions.' })

export const Sessions = z.object({ sessions: z.array(Session), next_cursor: z.string().nullable() })

export const Rewound = z.object({
  conversation_id: id,
  to: number.describe('The number of the prompt.'),
  dry_run: z.boolean(),
  files: z.array(z.string()).describe('Absolute paths.'),
  insertions: number.describe('Lines, in all files together.'),
  deletions: number,
})

const bytesOf = (what: string) =>
  z.string().optional().describe(`The bytes of ${what} in base64url, where it is not UTF-8.`)
const path = z.string()
const isCut = z.boolean().describe('There is more than is shown.')

export const Folders = z.object({
  roots: z.array(folder).min(1).describe('Agents may work in these and below; `/` where nothing limits it.'),
  home: folder.nullable().describe('What `~` means; null where agents may not work there.'),
})

export const FileList = z.object({
  entries: z.array(
    z.object({
      name: z.string(),
      path_bytes: bytesOf('the path'),
      kind: z.enum(['file', 'directory', 'link', 'other']),
      size: number,
      modified_at: time,
      hidden: z.boolean(),
      target: z.string().optional().describe('What is written in a link.'),
      leads_to: z
        .enum(['file', 'directory', 'other'])
        .nullish()
        .describe('What a link leads to; null where that is not shown.'),
    }),
  ),
  next_cursor: z.string().nullable(),
})

const changes = ['added', 'deleted', 'modified', 'renamed', 'copied', 'type_changed', 'unmerged'] as const
const changed = {
  path,
  path_bytes: bytesOf('the path'),
  old_path: path.optional(),
  old_path_bytes: bytesOf('the old path'),
}
const repository = path.describe('The top of the work tree; paths are relative to it.')

export const GitStatus = z.object({
  repository,
  branch: z.string().nullable(),
  commit: id.nullable(),
  files: z.array(
    z.object({
      ...changed,
      staged: z.enum(changes).nullable(),
      unstaged: z.enum([...changes, 'untracked']).nullable(),
    }),
  ),
  truncated: isCut,
})

export const GitDiff = z.object({
  repository,
  files: z.array(
    z.object({
      ...changed,
      status: z.enum(changes),
      additions: number.nullable(),
      deletions: number.nullable(),
      binary: z.boolean(),
      patch: z.string().nullable().describe('A unified diff; null where it was cut off, or there is none.'),
    }),
  ),
  truncated: isCut,
})

export const GitLog = z.object({
  commits: z.array(
    z.object({
      id,
      parents: z.array(id),
      author: z.object({ name: z.string(), email: z.string(), at: z.string() }),
      committed_at: z.string(),
      subject: z.string(),
      body: z.string(),
    }),
  ),
  next_cursor: z.string().nullable(),
})

export const RunDiff = z.object({
  conversation_id: id,
  run_id: id,
  files: z.array(
    z.object({
      path,
      status: z.enum(['added', 'modified']),
      additions: number,
      deletions: number,
      edits: z.array(
        z.object({ seq: number, tool_name: z.string(), patch: z.string().describe('The hunks of this one edit.') }),
      ),
    }),
  ),
  unknown: z
    .array(z.object({ tool_name: z.string(), calls: number }))
    .describe('Calls that may have changed files, too, and did not tell.'),
  truncated: isCut,
})

export const Audit = z.object({
  entries: z.array(
    z.object({
      number: number.describe('Ascending; none is given twice.'),
      at: time,
      who: z.string().describe('The name of the token; without one, `operator` or `loopback`.'),
      user_agent: z.string().nullable(),
      from: z.string().nullable().describe('The address it came from.'),
      action: z
        .string()
        .describe(
          'The operation, by its id in this document; or a command of the operator: `createToken`, `revokeToken`, `backup`, `import`, `prune`, `restore`.',
        ),
      conversation_id: id.nullable(),
      run_id: id.nullable(),
      subject: z.string().nullable().describe('The id of what else it was about: an approval, a prompt, a token.'),
      cwd: folder.nullable(),
      detail: z.string().nullable().describe('What came of it, in a word or a few.'),
    }),
  ),
  next_after: number.nullable().describe('For `after`, when there are more.'),
})

const used = {
  runs: number,
  outcomes: z.object({ succeeded: number, interrupted: number, failed: number }).nullable(),
  duration_ms: number.nullable(),
  cost_usd: z.number().nullable().describe("The agent's own estimate; null where it gave none."),
  usage: z.object({
    input_tokens: number,
    output_tokens: number,
    cache_read_input_tokens: number,
    cache_creation_input_tokens: number,
  }),
}

export const Usage = z.object({
  by: z.enum(['day', 'folder', 'model', 'conversation']),
  from: z.iso.date(),
  to: z.iso.date().describe('The last day, itself included.'),
  tz: z.string(),
  entries: z.array(
    z.object({
      day: z.iso.date().optional(),
      cwd: folder.optional(),
      model: z.string().optional(),
      conversation_id: id.nullable().optional().describe('null: those that are deleted.'),
      ...used,
    }),
  ),
  total: z.object(used),
  truncated: z.boolean().describe('Whether there are more entries; `total` has them all.'),
})

/** An error, whatever its status. */
export const Problem = z
  .looseObject({
    error: z.string().describe('A code that does not change; PROTOCOL.md section 9 lists them.'),
    message: z.string().describe('A sentence for a person.'),
  })
  .meta({ id: 'Problem', description: 'What was wrong, as a code and a sentence. Some codes carry more fields.' })

/** One event of a conversation, as a line of NDJSON or the data of an SSE message. */
export const Event = z
  .looseObject({ type: z.string(), subtype: z.string().optional(), timestamp: time.optional() })
  .meta({
    id: 'Event',
    description: 'One event of a conversation (PROTOCOL.md section 4). Pass over types you do not know.',
  })

export const FeedHistory = z.object({
  events: z.array(
    z.object({
      cursor: z.string().describe('The place behind the event.'),
      conversation_id: id,
      number: number.describe('The number of the event in its conversation.'),
      event: Event,
    }),
  ),
  cursor: z.string().describe('Where to go on, here or at the stream.'),
  has_more: z.boolean(),
  reset: z.boolean().describe('The cursor of the request is not of this store: the page begins with the oldest event.'),
})
