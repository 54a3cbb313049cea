const LONGEST = 80
/** No more is looked at: a letter may be of several code units. */
const LOOKED_AT = 1000

/** What a conversation is called until somebody gives it a name: the first line of its first prompt. */
export function titleOf(prompt: string): string | undefined {
  const line = prompt
    .split('\n', 100)
    .map((each) => each.trim())
    .find((each) => each !== '')
  if (line === undefined || line.length <= LONGEST) return line
  const letters = Array.from(new Intl.Segmenter().segment(line.slice(0, LOOKED_AT)), ({ segment }) => segment)
  return letters.length > LONGEST
    ? `${letters
        .slice(0, LONGEST - 1)
        .join('')
        .trimEnd()}…`
    : line
}
