import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { seen } from '@claude-proxy/protocol/transcript/text'
import { fit, Flow } from './width.ts'

type Style = Parameters<typeof styleText>[0]

/**
 * What a person looks at: lines that stay, text that grows, and below them one line that changes. Everything that is
 * shown passes here, so no control character of an agent's reaches the terminal.
 */
export interface Screen {
  /** Undefined where nobody looks: a pipe or a file gets lines as long as they are. */
  readonly columns: number | undefined
  /** A whole line; in one row, if somebody looks. */
  line(text: string, style?: Style): void
  /** A whole text, its lines broken between words and set in. */
  text(text: string, style?: Style, indent?: string): void
  /** More of a text that grows. */
  grow(piece: string): void
  /** The end of a text that grows, if there is one. */
  endGrowing(): void
  /** What goes on just now; without a text, nothing. Only shown where a line can change. */
  status(text?: string): void
  /** Holds everything back while a person is asked something. */
  hold(): void
  release(): void
}

export function createScreen(out: WriteStream): Screen {
  const isLive = out.isTTY && process.env['TERM'] !== 'dumb'
  let flow: Flow | undefined
  let isAmidLine = false
  let hasStatus = false
  let held: string[] | undefined

  const screen: Screen = {
    get columns() {
      return out.isTTY ? Math.max(20, out.columns || 80) : undefined
    },
    line(text, style) {
      screen.endGrowing()
      const row = oneLine(text)
      write(`${styled(screen.columns === undefined ? row : fit(row, screen.columns - 1), style)}\n`)
    },
    text(text, style, indent = '') {
      screen.endGrowing()
      const { columns } = screen
      const lines = new Flow(columns === undefined ? undefined : columns - indent.length - 1)
      const broken = lines.add(seen(text)) + lines.end()
      for (const each of broken.split('\n')) write(`${indent}${styled(each, style)}\n`)
    },
    grow(piece) {
      flow ??= new Flow(screen.columns === undefined ? undefined : screen.columns - 1)
      put(flow.add(seen(piece)))
    },
    endGrowing() {
      if (flow) put(flow.end())
      flow = undefined
      if (isAmidLine) write('\n')
      isAmidLine = false
    },
    status(text) {
      if (!isLive || held || isAmidLine || flow) return
      if (text === undefined && !hasStatus) return
      out.write(`\r\u001b[2K${text === undefined ? '' : styled(fit(oneLine(text), (screen.columns ?? 80) - 1), 'dim')}`)
      hasStatus = text !== undefined
    },
    hold() {
      screen.endGrowing()
      screen.status()
      held ??= []
    },
    release() {
      const texts = held ?? []
      held = undefined
      for (const each of texts) write(each)
    },
  }
  return screen

  function put(text: string): void {
    if (text === '') return
    isAmidLine = !text.endsWith('\n')
    write(text)
  }

  function write(text: string): void {
    if (held) held.push(text)
    else {
      if (hasStatus) out.write('\r\u001b[2K')
      hasStatus = false
      out.write(text)
    }
  }

  /** Without colours where nobody sees them, and with `NO_COLOR`. */
  function styled(text: string, style: Style | undefined): string {
    return style === undefined || text === '' ? text : styleText(style, text, { stream: out })
  }
}

/** As one line, whatever it was. */
export function oneLine(text: string): string {
  const [first = '', ...more] = text.split('\n')
  const rest = more.map((line) => line.trimStart()).filter((line, n) => line !== '' || n === more.length - 1)
  // What stands before the first line is an indent of ours.
  const lines = more.length === 0 ? [first] : [first.trimEnd(), ...rest.map((line) => line.trimEnd())]
  return seen(lines.join(' ⏎ ').replaceAll('\t', ' '))
}
