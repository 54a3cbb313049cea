/** Variables that hold secrets, by the end of their names. */
const SECRET_NAME = /(^|_)(TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIALS|HEADERS)$/
/** A shorter one is more likely a word than a secret. */
const SHORTEST = 8

/** What secrets of anybody's look like: keys of the Messages API, our tokens, and what stands behind `Bearer` or `Basic`. */
const SECRET_LIKE = /\b(?:sk-ant-|cproxy_)[\w-]{8,}|\b(?:Bearer|Basic) +[^\s"',\\]{8,}/gi

const LEFT_OUT = '[left out]'

/**
 * Takes secrets out of lines of JSON, wherever they stand: in a message, a path, what an agent wrote before it died. Those
 * of `environment` and `more` are known by value, others by their looks.
 */
export function withoutSecrets(environment: NodeJS.ProcessEnv, more: readonly string[]): (line: string) => string {
  const named = Object.entries(environment).flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value ?? ''] : []))
  // As they stand in JSON. The longest first: one may begin with another.
  const values = [...new Set([...named, ...more])]
    .filter((value) => value.length >= SHORTEST)
    .map((value) => JSON.stringify(value).slice(1, -1))
    .sort((a, b) => b.length - a.length)
  return (line) => {
    let clean = line
    for (const value of values) clean = clean.replaceAll(value, LEFT_OUT)
    return clean.replace(SECRET_LIKE, LEFT_OUT)
  }
}
