/** A block of lines of an event stream; what it does not name is undefined. An id without data counts, too. */
export interface Message {
  /** Empty: an event without a name. */
  readonly name: string
  readonly data: string | undefined
  readonly id: string | undefined
  /** How long the service wants to be left alone when the stream ends, in milliseconds. */
  readonly retry: number | undefined
}

/** Reads Server-Sent Events (HTML standard, section 9.2.6), however the text is cut. */
export function createParser(): (text: string) => Message[] {
  // A CR at the very end may be half of a CRLF.
  const lineEnd = /\r\n|\n|\r(?!$)/g
  let rest = ''
  /** Up to where the rest holds no end of a line: one that is megabytes long is looked at once. */
  let searched = 0
  let block = emptyBlock()

  return (text) => {
    const found: Message[] = []
    rest += text
    lineEnd.lastIndex = searched
    let start = 0
    for (let end = lineEnd.exec(rest); end; end = lineEnd.exec(rest)) {
      takeLine(rest.slice(start, end.index), found)
      start = lineEnd.lastIndex
    }
    rest = rest.slice(start)
    searched = rest.endsWith('\r') ? rest.length - 1 : rest.length
    return found
  }

  function takeLine(line: string, found: Message[]): void {
    if (line === '') {
      if (block.isSaid) found.push({ name: block.name, data: block.data, id: block.id, retry: block.retry })
      block = emptyBlock()
      return
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') block.data = block.data === undefined ? value : `${block.data}\n${value}`
    else if (field === 'event') block.name = value
    else if (field === 'id' && !value.includes('\0')) block.id = value
    else if (field === 'retry' && /^\d+$/.test(value)) block.retry = Number(value)
    else return
    block.isSaid = true
  }
}

interface Block {
  name: string
  data: string | undefined
  id: string | undefined
  retry: number | undefined
  isSaid: boolean
}

function emptyBlock(): Block {
  return { name: '', data: undefined, id: undefined, retry: undefined, isSaid: false }
}
