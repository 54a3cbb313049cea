import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** A repository with this tree as it is, whose releases can be signed: a key was made for it, and lies beside. */
export interface Source {
  readonly directory: string
  readonly commit: string
}

export function makeSource(share: string): Source {
  const directory = join(share, 'source')
  const files = git(ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0').filter(Boolean)
  for (const name of files) cpSync(join(ROOT, name), join(directory, name), { errorOnExist: false })
  git(directory, 'init', '-q')
  execFileSync(process.execPath, [join(directory, 'scripts/release.ts'), '--new-key', join(share, 'key.pem')])
  return { directory, commit: commitAll(directory) }
}

/**
 * Publishes a release with what `change` does to the tree, and takes the tree back to what it was. Returns the folder of
 * the release.
 */
export function publish(share: string, version: string, change: (tree: string) => void = () => {}): string {
  const source = join(share, 'source')
  const before = git(source, 'rev-parse', 'HEAD').trim()
  const manifest = join(source, 'package.json')
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"version": "[^"]*"/, `"version": "${version}"`))
  const data = join(source, `packages/server/test/store/released/${version}.db.gz`)
  mkdirSync(dirname(data), { recursive: true })
  writeFileSync(data, '')
  change(source)
  commitAll(source)
  const out = join(share, `release-${version}`)
  rmSync(out, { recursive: true, force: true })
  execFileSync(process.execPath, [join(source, 'scripts/release.ts'), '--key', join(share, 'key.pem'), '--out', out])
  git(source, 'reset', '-q', '--hard', before)
  return out
}

/** Node.js and npm as an installation fetches them, from npm's cache or registry. */
export function fetchRuntime(share: string): void {
  const into = join(share, 'runtime')
  mkdirSync(into)
  const sums = readFileSync(join(ROOT, 'deploy/runtime.sums'), 'utf8')
  const version = (name: string) => sums.split(`  ${name}-`)[1]?.split('.tgz')[0]
  const names = [`node-linux-${process.arch}`, 'npm'].map((name) => `${name}@${version(name)}`)
  execFileSync('npm', ['pack', '--silent', '--prefer-offline', '--pack-destination', into, ...names], { cwd: ROOT })
}

function commitAll(directory: string): string {
  git(directory, 'add', '-A')
  git(directory, '-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '-q', '--allow-empty', '-m', 'x')
  return git(directory, 'rev-parse', '--short=12', 'HEAD').trim()
}

function git(directory: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'safe.directory=*', '-C', directory, ...args], { encoding: 'utf8' })
}
