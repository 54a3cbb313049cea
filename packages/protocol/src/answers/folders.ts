import { z } from 'zod'
import { folder, id, time, wholeNumber } from './fields.ts'

/** Looking into a folder: its files, what Git says of it, what a run did to it. */

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
      size: wholeNumber,
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

const changeKinds = ['added', 'deleted', 'modified', 'renamed', 'copied', 'type_changed', 'unmerged'] as const

const changedFile = {
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
      ...changedFile,
      staged: z.enum(changeKinds).nullable(),
      unstaged: z.enum([...changeKinds, 'untracked']).nullable(),
    }),
  ),
  truncated: isCut,
})

export const GitDiff = z.object({
  repository,
  files: z.array(
    z.object({
      ...changedFile,
      status: z.enum(changeKinds),
      additions: wholeNumber.nullable(),
      deletions: wholeNumber.nullable(),
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
      additions: wholeNumber,
      deletions: wholeNumber,
      edits: z.array(
        z.object({
          seq: wholeNumber,
          tool_name: z.string(),
          patch: z.string().describe('The hunks of this one edit.'),
        }),
      ),
    }),
  ),
  unknown: z
    .array(z.object({ tool_name: z.string(), calls: wholeNumber }))
    .describe('Calls that may have changed files, too, and did not tell.'),
  truncated: isCut,
})
