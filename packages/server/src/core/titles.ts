const LONGEST = 80

/** What a conversation is called until somebody gives it a name: the first line of its first prompt. */
export function titleOf(prompt: string): string | undefined {
  const line = prompt
    .split('\n')
    .map((each) => each.trim())
    .find((each) => each !== '')
  if (line === undefined) return undefined
  const letters = [...line]
  return letters.length > LONGEST
    ? `${letters
        .slice(0, LONGEST - 1)
        .join('')
        .trimEnd()}…`
    : line
}
