import { z } from 'zod'
import { cwd, limit, optional, position } from './fields.ts'

/** The service itself: what it was used for, and by whom. */

const day = z.iso
  .date('must be a day, such as 2026-11-23')
  .refine((text) => text >= '2000-01-01', 'is too long ago')
  .refine((text) => text < '2200-01-01', 'is too far away')

/** Query of `GET /v1/usage`. */
export const UsageQuery = z.object({
  by: z.enum(['day', 'folder', 'model', 'conversation']).default('day'),
  from: optional(day).describe('The first day; thirty days before `to` if nothing is said.'),
  to: optional(day).describe('The last day; today if nothing is said.'),
  tz: z
    .string()
    .regex(/^[A-Za-z][\w+/-]{0,63}$/, 'must be the name of a time zone, such as Europe/Berlin')
    .default('UTC')
    .describe('Whose days.'),
  cwd: optional(cwd),
})

/** Query of `GET /v1/audit`. */
export const AuditQuery = z.object({
  since: optional(z.iso.datetime({ offset: true, error: 'must be a time as ISO 8601 writes it' })),
  after: optional(position('after')),
  limit,
})
