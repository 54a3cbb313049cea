import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { optionsTable } from '../packages/server/src/config.ts'

/** Writes the table of options into README.md, between its two marks. */
const path = join(import.meta.dirname, '../README.md')
const text = readFileSync(path, 'utf8')
writeFileSync(
  path,
  text.replace(/(<!-- options -->\n).*(<!-- \/options -->)/s, (_, start, end) => start + optionsTable() + end),
)
