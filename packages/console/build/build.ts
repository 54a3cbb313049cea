import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, parse } from 'node:path'

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
    'style.css': keep(fresh, 'style', 'css', styles()),
    ...icons(fresh),
  }
  const manifest = rename(readFileSync(join(SOURCE, 'manifest.webmanifest'), 'utf8'), names)
  const all = { ...names, 'manifest.webmanifest': keep(fresh, 'manifest', 'webmanifest', Buffer.from(manifest)) }
  writeFileSync(join(fresh, 'index.html'), rename(readFileSync(join(SOURCE, 'index.html'), 'utf8'), all))
  writeFileSync(join(fresh, 'built-from'), from)
  rmSync(BUILT, { recursive: true, force: true })
  renameSync(fresh, BUILT)
}

/** The page's own style, then what lies beside the views that it is for. */
function styles(): Buffer {
  const files = ['style.css', ...globSync('view/**/*.css', { cwd: SOURCE }).sort()]
  return Buffer.concat(files.map((file) => readFileSync(join(SOURCE, file))))
}

/** The icon, and the pictures of it (`scripts/icons.ts`). */
function icons(directory: string): Record<string, string> {
  const files = globSync('icon*.{svg,png}', { cwd: SOURCE })
  return Object.fromEntries(
    files.map((file) => {
      const { name, ext } = parse(file)
      return [file, keep(directory, name, ext.slice(1), readFileSync(join(SOURCE, file)))]
    }),
  )
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
