/** What one proxy has written into `Forwarded`: whom it has heard, and the host that was asked for. */
export interface Hop {
  readonly for?: string
  readonly host?: string
}

/** A parameter (RFC 7239, section 4): a token's name, and a token or a quoted text. */
const PAIR = /[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")[ \t]*/y

/** The proxies' words, in the order in which they were written. None where the header is not as the standard says. */
export function readForwarded(header: string): Hop[] {
  const hops: Record<string, string>[] = [{}]
  let at = 0
  while (at < header.length) {
    PAIR.lastIndex = at
    const [text = '', name = '', token, quoted = ''] = PAIR.exec(header) ?? []
    const end = header[at + text.length]
    const hop = hops.at(-1)
    const key = name.toLowerCase()
    // Twice in one hop: nobody can say which counts.
    if (text === '' || !hop || key in hop || (end !== undefined && end !== ';' && end !== ',')) return []
    hop[key] = token ?? quoted.replaceAll(/\\(.)/g, '$1')
    if (end === ',') hops.push({})
    at += text.length + 1
  }
  return hops
}

/** The address of a node, without its port; as it is where it names none, such as `unknown` or `_hidden`. */
export function addressOfNode(node: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(node)?.[1] ?? /^([\d.]+)(?::\d+)?$/.exec(node)?.[1] ?? node
}
