import { readFileSync, statSync } from 'node:fs'
import { type Config, ConfigError } from '../config.ts'

/** The configuration with the token from its file, if one is named. */
export function withToken(config: Config): Config {
  const { token, tokenFile } = config
  if (tokenFile === '') return config
  if (token !== '') throw new ConfigError('Give the token or the file that holds it, not both.')
  return { ...config, token: readToken(tokenFile) }
}

function readToken(file: string): string {
  let token: string
  try {
    const { mode } = statSync(file)
    // Windows has no such modes.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new ConfigError(
        `Other users of this machine can read the token in ${file}. Keep them out: chmod 600 ${file}`,
      )
    token = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`The token cannot be read: ${why}`, { cause })
  }
  // What no header can carry would lock everybody out.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new ConfigError(`${file} has to hold the token and nothing else: one line of ASCII without blanks.`)
  return token
}
