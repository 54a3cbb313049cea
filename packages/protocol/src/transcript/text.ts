/** The beginning and the end of a text, if it is long, and how many characters lie between them. */
export interface Short {
  readonly text: string
  readonly tail: string
  readonly leftOut: number
}

/** `text` in at most `most` characters. What is left out comes from its middle: errors stand at the end. */
export function shorten(text: string, most: number): Short {
  if (text.length <= most) return { text, tail: '', leftOut: 0 }
  const tailLength = Math.floor(most / 4)
  const head = text.slice(0, most - tailLength)
  const tail = text.slice(text.length - tailLength)
  return { text: head, tail, leftOut: text.length - most }
}

/** One text: what is shown of it, with a line in the place of what is not. */
export function joined({ text, tail, leftOut }: Short): string {
  return leftOut === 0 ? text : `${text}\n[… ${leftOut} characters left out …]\n${tail}`
}

/** The text of a message's content, whatever its form; what is no text is named. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return content === undefined || content === null ? '' : json(content)
  return content.map(textOfBlock).join('\n')
}

function textOfBlock(block: unknown): string {
  if (typeof block === 'string') return block
  if (typeof block !== 'object' || block === null) return json(block)
  const { type, text, source } = block as { type?: unknown; text?: unknown; source?: unknown }
  if (typeof text === 'string') return text
  if (type !== 'image' && type !== 'document') return json(block)
  const { media_type: mediaType, data } = (source ?? {}) as { media_type?: unknown; data?: unknown }
  const size = typeof data === 'string' ? `, ${Math.ceil((data.length * 3) / 4)} bytes` : ''
  return `[${type}${typeof mediaType === 'string' ? ` ${mediaType}` : ''}${size}]`
}

/** JSON for a person. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? ''
}

/**
 * Characters that change what a text looks like without being seen: they turn its direction, or have no width. Two
 * that words need, the joiners of Persian and of emoji, stay.
 */
const UNSEEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** `text` with each unseen character replaced by what `show` makes of it, and lines that end as they do here. */
export function withUnseen(text: string, show: (name: string) => string): string {
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replaceAll(UNSEEN, (character) => show(nameOf(character.codePointAt(0) ?? 0)))
}

/** `text` with unseen characters spelled out. */
export function seen(text: string): string {
  return withUnseen(text, (name) => name)
}

function nameOf(code: number): string {
  // Unicode has pictures of these.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`
}
