import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manPage } from '../packages/server/src/cli/manual/man.ts'
import { optionsTable } from '../packages/server/src/config.ts'

/** Writes what comes from tables in the code: the options into README.md, between their two marks, and the man page. */
const ROOT = join(import.meta.dirname, '..')
const readme = join(ROOT, 'README.md')
const text = readFileSync(readme, 'utf8')
writeFileSync(
  readme,
  text.replace(/(<!-- options -->\n).*(<!-- \/options -->)/s, (_, start, end) => start + optionsTable() + end),
)
writeFileSync(join(ROOT, 'deploy/man/claude-proxy.1'), manPage())
