/**
 * Markdown that is being written, cut where a part of it is over: what stands before the last blank line outside of code
 * will be as it is, and need not be read again with each letter.
 */
export function blocksOf(markdown: string): string[] {
  const blocks: string[][] = [[]]
  let fence: string | undefined
  for (const line of markdown.split('\n')) {
    // What is indented goes on with a list.
    if (fence === undefined && blocks.at(-1)?.at(-1) === '' && /^\S/.test(line)) blocks.push([])
    const mark = /^ {0,3}(```|~~~)/.exec(line)?.[1]
    if (fence === undefined) fence = mark
    else if (mark === fence) fence = undefined
    blocks.at(-1)?.push(line)
  }
  return blocks.map((lines) => lines.join('\n'))
}
