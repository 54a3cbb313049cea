/** One event of the service as it came over the wire. `data` is the line of JSON, untouched. */
export interface Frame {
  readonly id: number
  readonly data: string
}

/** Cuts a text that arrives in pieces into frames. Comments and incomplete frames give nothing. */
export class FrameReader {
  #rest = ''

  /** The frames that are complete with this piece. */
  read(piece: string): Frame[] {
    const blocks = (this.#rest + piece).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.flatMap(readFrame)
  }
}

function readFrame(block: string): Frame[] {
  const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block) ?? []
  return id === undefined || data === undefined ? [] : [{ id: Number(id), data }]
}
