import { z } from 'zod'
import { folder, id, time, tokens, wholeNumber } from './fields.ts'

/** The service itself: how it is, what it was used for and by whom, what went wrong. */

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

/** What some runs used together. */
const used = {
  runs: wholeNumber,
  outcomes: z.object({ succeeded: wholeNumber, interrupted: wholeNumber, failed: wholeNumber }).nullable(),
  duration_ms: wholeNumber.nullable(),
  cost_usd: z.number().nullable().describe("The agent's own estimate; null where it gave none."),
  usage: tokens,
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

export const Audit = z.object({
  entries: z.array(
    z.object({
      number: wholeNumber.describe('Ascending; none is given twice.'),
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
  next_after: wholeNumber.nullable().describe('For `after`, when there are more.'),
})

/** An error, whatever its status. */
export const Problem = z
  .looseObject({
    error: z.string().describe('A code that does not change; PROTOCOL.md section 9 lists them.'),
    message: z.string().describe('A sentence for a person.'),
  })
  .describe('What was wrong, as a code and a sentence. Some codes carry more fields.')
