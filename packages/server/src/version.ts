import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The repository's root, seen from this file. */
const ROOT = join(import.meta.dirname, '../../..')

/** Which version runs: the commit of a checkout (12 hex digits), else the package's version. */
export async function readVersion(): Promise<string> {
  return (await commitOf(join(ROOT, '.git'))) ?? packageVersion()
}

async function commitOf(git: string): Promise<string | undefined> {
  const head = await readText(join(git, 'HEAD'))
  const ref = /^ref: (.+)$/m.exec(head ?? '')?.[1]
  const commit = ref === undefined ? head : ((await readText(join(git, ref))) ?? (await packedRef(git, ref)))
  return /^[0-9a-f]{40,64}/.exec(commit ?? '')?.[0].slice(0, 12)
}

async function packedRef(git: string, ref: string): Promise<string | undefined> {
  const packed = await readText(join(git, 'packed-refs'))
  return packed?.split('\n').find((line) => line.endsWith(` ${ref}`))
}

async function packageVersion(): Promise<string> {
  const { version }: { version: string } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  return version
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
