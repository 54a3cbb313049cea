/** What a tool has said, as far as it can be shown. */
export interface Result {
  readonly text: string
  /** Addresses that hold the pictures themselves. */
  readonly images: readonly string[]
}

interface Part {
  readonly type?: unknown
  readonly text?: unknown
  readonly source?: { readonly type?: string; readonly media_type?: string; readonly data?: string }
}

/** Reads the result of a call: a text, or blocks of the Messages API. */
export function readResult(result: unknown): Result {
  if (typeof result === 'string') return { text: result, images: [] }
  const parts = Array.isArray(result) ? (result as readonly Part[]) : []
  const texts = parts.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []))
  const images = parts.flatMap(({ type, source }) =>
    type === 'image' && source?.type === 'base64' ? [`data:${source.media_type};base64,${source.data}`] : [],
  )
  return { text: texts.join('\n'), images }
}
