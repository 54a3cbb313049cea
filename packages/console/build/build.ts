import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKAGE = join(import.meta.dirname, '..')
const SOURCE = join(PACKAGE, 'src')

/** Where the page lies when it is built: `index.html`, and beside it files that are named by what is in them. */
export const BUILT = join(PACKAGE, 'dist')

/** Builds the page, unless what is there was made of these very files. */
export async function ensureBuilt(): Promise<void> {
  const wanted = fingerprint()
  if (wanted !== builtFrom()) await build(wanted)
}

/** What the page is made of: its sources and the client's by name, size and time; the libraries by the package that pins them. */
function fingerprint(): string {
  const files = globSync('{{.,../client}/src/**/*,build/*,package.json}', { cwd: PACKAGE }).sort()
  const hash = createHash('sha256')
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(PACKAGE, file))
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function builtFrom(): string | undefined {
  try {
    return readFileSync(join(BUILT, 'built-from'), 'utf8')
  } catch {
    return undefined
  }
}

async function build(from: string): Promise<void> {
  // Loaded here: a check that all is there takes no time.
  const { rolldown } = await import('rolldown')
  // Beside, and put into place as a whole: two may build at once, and a page is served meanwhile.
  const fresh = `${BUILT}-${process.pid}`
  mkdirSync(fresh, { recursive: true })
  const bundle = await rolldown({
    input: { console: join(SOURCE, 'main.tsx') },
    platform: 'browser',
    tsconfig: join(PACKAGE, 'tsconfig.json'),
    transform: { target: 'es2022', define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const { output } = await bundle.write({
    dir: fresh,
    format: 'esm',
    minify: true,
    entryFileNames: '[name]-[hash].js',
    chunkFileNames: '[name]-[hash].js',
  })
  await bundle.close()
  const script = output.find((chunk) => chunk.type === 'chunk' && chunk.isEntry)?.fileName ?? ''
  const names = {
    'main.tsx': script,
    'style.css': keep(fresh, 'style', 'css', readFileSync(join(SOURCE, 'style.css'))),
    'icon.svg': keep(fresh, 'icon', 'svg', readFileSync(join(SOURCE, 'icon.svg'))),
  }
  const manifest = rename(readFileSync(join(SOURCE, 'manifest.webmanifest'), 'utf8'), names)
  const all = { ...names, 'manifest.webmanifest': keep(fresh, 'manifest', 'webmanifest', Buffer.from(manifest)) }
  writeFileSync(join(fresh, 'index.html'), rename(readFileSync(join(SOURCE, 'index.html'), 'utf8'), all))
  writeFileSync(join(fresh, 'built-from'), from)
  rmSync(BUILT, { recursive: true, force: true })
  renameSync(fresh, BUILT)
}

/** Writes a file under a name that says what is in it, and gives the name. */
function keep(directory: string, name: string, ending: string, bytes: Buffer): string {
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 8)
  const file = `${name}-${hash}.${ending}`
  writeFileSync(join(directory, file), bytes)
  return file
}

/** Puts the names that the files have now in place of those of their sources. */
function rename(text: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce((done, [from, to]) => done.replaceAll(`{${from}}`, to), text)
}
