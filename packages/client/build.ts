import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { ANSWERS, REQUESTS, typesOf, ZOD } from './types.ts'

/**
 * Writes the package as it is published: plain modules, and types that need no other package. The folder to write to is
 * the first argument, else `dist`; `npm publish` it from there.
 */
const here = import.meta.dirname
const target = process.argv[2] ?? join(here, 'dist')
const compiled = mkdtempSync(join(tmpdir(), 'claude-proxy-client-'))
try {
  const tsc = join(here, '../../node_modules/.bin/tsc')
  execFileSync(tsc, ['-p', here, '--outDir', compiled], { stdio: 'inherit' })
  rmSync(target, { recursive: true, force: true })
  cpSync(join(compiled, 'client/src'), target, { recursive: true })
  const protocol = join(target, 'protocol')
  mkdirSync(protocol)
  for (const name of ['endpoints', 'errors', 'events', 'json'])
    cpSync(join(compiled, `protocol/src/${name}.d.ts`), join(protocol, `${name}.d.ts`))
  writeFileSync(join(protocol, 'requests.d.ts'), typesOf(REQUESTS))
  writeFileSync(join(protocol, 'answers.d.ts'), typesOf(ANSWERS))
  writeFileSync(join(protocol, 'zod.d.ts'), ZOD)
} finally {
  rmSync(compiled, { recursive: true })
}

for (const name of globSync('**/*.d.ts', { cwd: target })) {
  const file = join(target, name)
  const protocol = relative(dirname(file), join(target, 'protocol'))
  const folder = protocol.startsWith('.') ? protocol : `./${protocol}`
  const text = readFileSync(file, 'utf8')
    .replaceAll(/(['"])@claude-proxy\/protocol\/(\w+)\1/g, `'${folder}/$2.js'`)
    .replaceAll(/(['"])zod\1/g, `'./zod.js'`)
    .replaceAll(/(['"])(\.\.?\/[^'"]+)\.ts\1/g, `'$2.js'`)
  writeFileSync(file, text)
}

const { name, version, description, license, type, sideEffects } = JSON.parse(
  readFileSync(join(here, 'package.json'), 'utf8'),
) as Record<string, unknown>
const exports = {
  '.': { types: './index.d.ts', default: './index.js' },
  './view': { types: './view/index.d.ts', default: './view/index.js' },
}
const manifest = { name, version, description, license, type, sideEffects, exports, engines: { node: '>=20' } }
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
for (const document of [join(here, 'README.md'), join(here, '../../LICENSE')])
  cpSync(document, join(target, basename(document)))
