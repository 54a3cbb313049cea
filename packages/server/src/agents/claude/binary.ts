import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** Said at start and answered to runs when Claude Code itself is missing. */
export const NO_BINARY =
  'Claude Code is not installed, or cannot be run: it comes with the Agent SDK as an optional package. Install again with npm ci, without --omit=optional.'

/**
 * Where the SDK keeps the Claude Code that it brings for this machine, and that this user may run; undefined where there
 * is none. It looks in the same places (sdk.mjs 0.3.330): a package for the platform, beside its own.
 */
export async function findBinary(): Promise<string | undefined> {
  for (const path of candidates()) {
    const mayRun = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (mayRun) return path
  }
  return undefined
}

let known: readonly string[] | undefined

/** Looked up once: the paths do not change while we run, what lies there may. */
function candidates(): readonly string[] {
  return (known ??= packages().flatMap((name) => {
    try {
      const sdk = createRequire(import.meta.url).resolve('@anthropic-ai/claude-agent-sdk')
      return [createRequire(sdk).resolve(`${name}/${process.platform === 'win32' ? 'claude.exe' : 'claude'}`)]
    } catch {
      // Not the package of this platform, or of this C library.
      return []
    }
  }))
}

function packages(): string[] {
  const name = `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}`
  return process.platform === 'linux' ? [name, `${name}-musl`] : [name]
}
