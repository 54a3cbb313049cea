import { z } from 'zod'

/** What the answers of several nouns are made of. */

export const id = z.string()
export const time = z.iso.datetime().describe('UTC, ISO 8601')
export const folder = z.string().describe('The real path of the folder.')
export const wholeNumber = z.int().min(0)

/** Tokens by the kinds of the Messages API. */
export const tokens = z.object({
  input_tokens: wholeNumber,
  output_tokens: wholeNumber,
  cache_read_input_tokens: wholeNumber,
  cache_creation_input_tokens: wholeNumber,
})
