import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Branches, branchesOf } from './coverage/branches.ts'
import { countsIn } from './coverage/counts.ts'

/**
 * `npm run coverage [-- FILTER…]`: runs the tests and says which branches of the service's core, store and http no test
 * has taken, in whatever process or thread. Fails when a test fails, or more are left than may be.
 */
const ROOT = join(import.meta.dirname, '..')
const SOURCES = join(ROOT, 'packages/server/src')
const PARTS = ['core', 'store', 'http'] as const
const LEAST_PERCENT = 95

const directory = mkdtempSync(join(tmpdir(), 'claude-proxy-coverage-'))
process.exitCode = await runTests(directory, process.argv.slice(2))
await report(directory)
rmSync(directory, { recursive: true })

async function runTests(into: string, filters: readonly string[]): Promise<number> {
  const config = join(import.meta.dirname, 'coverage/vitest.config.ts')
  const env = { ...process.env, NODE_V8_COVERAGE: into }
  const tests = spawn('vitest', ['run', '--config', config, ...filters], { cwd: ROOT, stdio: 'inherit', env })
  const [code] = await once(tests, 'exit')
  return code ?? 1
}

async function report(from: string): Promise<void> {
  const prefix = `${pathToFileURL(SOURCES).href}/`
  const counts = countsIn(from, (url) => url.startsWith(prefix))
  for (const part of PARTS) {
    const sum = { all: 0, missed: 0 }
    const lines: string[] = []
    for (const path of globSync(join(SOURCES, part, '**/*.ts')).toSorted()) {
      const branches = await branchesOf(path, counts.get(pathToFileURL(path).href))
      sum.all += branches.all
      sum.missed += branches.missed.length
      if (branches.missed.length > 0) lines.push(line(relative(SOURCES, path), branches))
    }
    const taken = percent(sum.all, sum.missed)
    console.log([`\n${part}: ${taken.toFixed(1)} % of ${sum.all} branches`, ...lines].join('\n'))
    if (taken < LEAST_PERCENT) process.exitCode = 1
  }
}

function line(name: string, { all, missed }: Branches): string {
  return `  ${name.padEnd(36)} ${percent(all, missed.length).toFixed(0).padStart(3)} %  ${missed.join(' ')}`
}

function percent(all: number, missed: number): number {
  return all === 0 ? 100 : (100 * (all - missed)) / all
}
