import { z } from 'zod'

/** What requests of several nouns hold, and what their fields are made of. */

/** A field that may be left out. Null says the same (PROTOCOL.md section 1). */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined)

export const wellFormed = z.string().refine((text) => text.isWellFormed(), 'must be well-formed Unicode')

export const hexId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hex digits')

/** The folder as the client spells it. What it means is decided by the folder rule (PROTOCOL.md section 5). */
export const cwd = wellFormed
  .trim()
  .min(1, 'must not be blank')
  .max(4096)
  .refine((path) => !path.includes('\0'), 'must not contain NUL')
  .describe("The agent's folder: absolute, or `~` for the service user's home.")

/** Kept from version 1: checked, stored, and without any further meaning (PROTOCOL.md 5.6). */
export const conversationGroup = optional(wellFormed.trim().max(256))

/** A word or a few to find a conversation by. Written in different ways that look alike, it is the same tag. */
export const tag = wellFormed
  .transform((text) => text.normalize('NFC').trim())
  .pipe(
    z
      .string()
      .min(1, 'must not be blank')
      .max(64)
      // what breaks a line, and what turns around the direction of the text behind it
      .refine(
        (text) => !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(text),
        'must not hold control characters',
      ),
  )

/** What a person types to find something: words, "phrases", and beginnings* of words (PROTOCOL.md 3.15). */
export const searchWords = z.string().max(1000)

/** Yes or no in a query. */
export const flag = optional(z.enum(['true', 'false']).transform((text) => text === 'true'))

/** How long a page is at most. */
export const limit = optional(
  z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 999')
    .transform(Number),
)

/** Where a page begins, as the page before it has said. */
export const cursor = optional(z.string().max(512))

/** A number that the service has given out, such as that of an event, in the query or the header of this name. */
export function position(name: string) {
  return z
    .string()
    .trim()
    .regex(/^\d{1,15}$/, `${name} must be a whole number of at most 15 digits`)
    .transform(Number)
}
