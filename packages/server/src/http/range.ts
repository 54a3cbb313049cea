/** A part of a file: from the byte `from` up to, but not including, `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/**
 * What a `Range` header asks of `size` bytes (RFC 9110, section 14.1.2). `all`: the header asks for nothing that we know,
 * or for several parts, and is ignored, as section 14.2 allows. `none`: nothing of it is there.
 */
export function rangeOf(header: string | undefined, size: number): Range | 'all' | 'none' {
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '') ?? []
  if (first === '' && last === '') return 'all'
  if (first === '')
    return Number(last) === 0 || size === 0 ? 'none' : { from: Math.max(0, size - Number(last)), to: size }
  if (last !== '' && Number(last) < Number(first)) return 'all'
  if (Number(first) >= size) return 'none'
  return { from: Number(first), to: last === '' ? size : Math.min(size, Number(last) + 1) }
}
