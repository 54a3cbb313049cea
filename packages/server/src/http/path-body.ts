import { isUtf8 } from 'node:buffer'

/** A path under a name; one that is no text in UTF-8 also by its bytes, which are asked for instead. */
export function pathBody<N extends string>(
  name: N,
  path: Buffer,
): Record<N, string> & { [B in `${N}_bytes`]?: string } {
  const text = { [name]: path.toString(), ...(!isUtf8(path) && { [`${name}_bytes`]: path.toString('base64url') }) }
  return text as Record<N, string> & { [B in `${N}_bytes`]?: string }
}
