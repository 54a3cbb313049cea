import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The repository's root, seen from this file. */
const ROOT = join(import.meta.dirname, '../../..')

/**
 * Which version a tree holds, the running one if nothing else is said: what its installation calls it, the commit of a
 * checkout (12 hex digits), else the package's version.
 */
export function readVersion(root = ROOT): string {
  return readText(join(root, 'RELEASE'))?.trim() ?? commitOf(join(root, '.git')) ?? packageVersion(root)
}

/** Which version of the Agent SDK is installed: it is pinned. */
export function readSdkVersion(): string {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  )
  return dependencies['@anthropic-ai/claude-agent-sdk'] ?? 'unknown'
}

function commitOf(git: string): string | undefined {
  const head = readText(join(git, 'HEAD'))
  const ref = /^ref: (.+)$/m.exec(head ?? '')?.[1]
  const commit = ref === undefined ? head : (readText(join(git, ref)) ?? packedRef(git, ref))
  return /^[0-9a-f]{40,64}/.exec(commit ?? '')?.[0].slice(0, 12)
}

function packedRef(git: string, ref: string): string | undefined {
  const packed = readText(join(git, 'packed-refs'))
  return packed?.split('\n').find((line) => line.endsWith(` ${ref}`))
}

function packageVersion(root: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return version
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
