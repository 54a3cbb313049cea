/** What has to be there by what was done before, or by what the question is. `what`: its name, should it be missing. */
export function certain<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`${what} should be there, and is not`)
  return found
}
