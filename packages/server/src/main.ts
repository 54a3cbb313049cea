#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Compiling is most of a start. The variable is for the writer thread, which has a cache of its own.
const cache = join(homedir(), '.cache', 'claude-proxy')
enableCompileCache(cache)
process.env['NODE_COMPILE_CACHE'] ??= cache

const { run } = await import('./cli/program.ts')
await run(process.argv.slice(2))
