import { execFileSync } from 'node:child_process'
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { SIGNATURE, SUMS } from '../packages/server/src/setup/release.ts'

/**
 * `npm run release -- --key FILE`: makes a release of the commit that is checked out, signed with the private key in
 * FILE, in `dist/` or `--out`. `--new-key FILE` makes the key; its public half goes into the tree, FILE never does.
 */
const ROOT = join(import.meta.dirname, '..')
const PUBLIC_KEY = join(ROOT, 'deploy/release-key.pem')

const { values } = parseArgs({
  options: { key: { type: 'string' }, 'new-key': { type: 'string' }, out: { type: 'string', default: 'dist' } },
})
if (values['new-key'] !== undefined) makeKey(values['new-key'])
else if (values.key === undefined) throw new Error('Say which key signs: --key FILE, or make one with --new-key FILE.')
else makeRelease(values.key, resolve(values.out))

function makeKey(file: string): void {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' })
  writeFileSync(PUBLIC_KEY, publicKey.export({ type: 'spki', format: 'pem' }))
  process.stdout.write(`The private key is in ${file}; commit ${PUBLIC_KEY}.\n`)
}

function makeRelease(keyFile: string, out: string): void {
  const key = createPrivateKey(readFileSync(keyFile))
  const { version }: { version: string } = JSON.parse(git('show', 'HEAD:package.json').toString())
  checkKey(key)
  checkData(version)
  const name = `claude-proxy-${version}.tar.gz`
  const archive = git('archive', '--format=tar.gz', `--prefix=claude-proxy-${version}/`, 'HEAD')
  const sums = `${createHash('sha256').update(archive).digest('hex')}  ${name}\n`
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, name), archive)
  writeFileSync(join(out, SUMS), sums)
  writeFileSync(join(out, SIGNATURE), `${sign(null, Buffer.from(sums), key).toString('base64')}\n`)
  process.stdout.write(`${join(out, name)}\n`)
}

/** What nobody's installation can verify is no release. */
function checkKey(key: ReturnType<typeof createPrivateKey>): void {
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  if (git('show', 'HEAD:deploy/release-key.pem').toString() !== pem)
    throw new Error('This is not the private half of deploy/release-key.pem.')
}

/** Later releases are tried with the data of this one. */
function checkData(version: string): void {
  const file = join(ROOT, `packages/server/test/store/released/${version}.db.gz`)
  if (!existsSync(file)) throw new Error(`${file} is missing: node scripts/keep-data.ts makes it.`)
}

function git(...args: string[]): Buffer {
  return execFileSync('git', args, { cwd: ROOT, maxBuffer: 1024 ** 3 })
}
