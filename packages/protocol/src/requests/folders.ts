import { z } from 'zod'
import { ConversationId } from '../conversation-id.ts'
import { cwd, flag, limit, optional, wellFormed } from './fields.ts'

/** Looking into a folder: its files, what Git says of it, what a run did to it. */

/** Something in a folder: by its path, or by the bytes of its path when it is no text. */
const place = {
  cwd,
  path: wellFormed.max(4096).default(''),
  path_bytes: optional(z.string().regex(/^[\w-]{1,6000}$/, 'must be base64url')),
}

/** Query of `GET /v1/files`. */
export const FilesQuery = z.object({
  ...place,
  hidden: flag,
  limit,
  cursor: optional(z.string().regex(/^[\w-]{1,512}$/, 'is none that this service gave')),
})

/** Query of `GET /v1/files/content`. */
export const FileQuery = z.object({
  ...place,
  lines: optional(
    z
      .string()
      .regex(/^[1-9]\d{0,8}-[1-9]\d{0,8}$/, 'must be two numbers of lines, such as 10-20')
      .transform((text) => {
        const [first = 1, last = 1] = text.split('-').map(Number)
        return { first, last }
      })
      .refine(({ first, last }) => first <= last, 'must not end before they begin'),
  ),
})

/** A commit by its id, its branch or its tag, or the ones before it: `main`, `v1.0~2`. Never an option, a range or a search. */
const revision = z.string().regex(/^[A-Za-z0-9][\w./~^-]{0,199}$/, 'must be a commit, a branch or a tag')

/** Query of `GET /v1/git/status`. */
export const GitStatusQuery = z.object({ cwd })

/** Query of `GET /v1/git/diff`. */
export const GitDiffQuery = z
  .object({
    cwd,
    from: optional(revision),
    to: optional(revision),
    path: optional(wellFormed.min(1).max(4096)),
    staged: flag,
  })
  .refine((query) => query.to === undefined || query.from !== undefined, 'with to needs from')
  .refine((query) => query.to === undefined || query.staged !== true, 'has to be either staged or up to a commit')

/** Query of `GET /v1/git/log`. */
export const GitLogQuery = z.object({
  cwd,
  limit,
  cursor: optional(
    z
      .string()
      .regex(/^[0-9a-f]{40,64}\.\d{1,9}$/, 'is none that this service gave')
      .transform((text) => {
        const [commit = '', skip = ''] = text.split('.')
        return { commit, skip: Number(skip) }
      }),
  ),
})

/** Path of the doors of one run. What is no id of a run is unknown, not malformed. */
export const RunPath = z.object({ id: ConversationId, run_id: z.string().max(1024) })
