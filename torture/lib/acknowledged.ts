import { type Frame, takeFrames } from './event-stream.ts'
import { promptOf } from './phone.ts'
import type { Moment } from './trace.ts'

/**
 * What a traced service has told the world: the events that it wrote to sockets, and the conversations that an import
 * has printed. `saw` and `imported` are called as soon as the call has ended, so that what is on the disk then can be
 * held against it.
 */
export function createListener(saw: (conversation: string, frame: Frame) => void, imported: (id: string) => void) {
  const sockets = new Map<string, (text: string) => void>()

  return ({ call, is }: Moment): void => {
    if (is !== 'end' || !(call.result > 0) || !/^writev?$/.test(call.name)) return
    const text = call.data.toString('latin1', 0, call.result)
    if (call.fd === 1) {
      for (const [, id = ''] of text.matchAll(/^imported +(\S+):/gm)) imported(id)
    } else if (call.target.startsWith('socket:')) {
      let take = sockets.get(call.target)
      if (take === undefined) sockets.set(call.target, (take = readResponse(saw)))
      take(text)
    }
  }
}

/** Takes a response in pieces. The stream of a new run begins with its prompt, which begins with the conversation. */
function readResponse(saw: (conversation: string, frame: Frame) => void): (text: string) => void {
  let rest = ''
  let inHead = true
  let frames = ''
  let conversation: string | undefined

  const take = (frame: Frame) => {
    conversation ??= promptOf(frame.data)?.split(' ')[0]
    if (conversation !== undefined) saw(conversation, frame)
  }
  return (text) => {
    rest += text
    const end = inHead ? rest.indexOf('\r\n\r\n') : 0
    if (end < 0) return
    if (inHead) {
      inHead = false
      if (!/^HTTP\/1\.1 200 [^]*text\/event-stream/.test(rest.slice(0, end))) rest = ''
      rest = rest.slice(end + 4)
    }
    // RFC 9112, section 7.1: a length in hex, so many bytes, and again
    for (;;) {
      const [head, length] = /^([0-9a-f]+)\r\n/.exec(rest) ?? []
      const bytes = Number.parseInt(length ?? '', 16)
      if (head === undefined || rest.length < head.length + bytes + 2) return
      frames = takeFrames(frames + rest.slice(head.length, head.length + bytes), take)
      rest = rest.slice(head.length + bytes + 2)
    }
  }
}
