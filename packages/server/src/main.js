#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Compiling is most of a start, and so is loading what strips types: this file is JavaScript, since it comes before the
// cache that keeps what was stripped and compiled. The variable is for the threads, which open it for themselves.
const cache = join(homedir(), '.cache', 'claude-proxy')
enableCompileCache(cache)
process.env['NODE_COMPILE_CACHE'] ??= cache

const { run } = await import('./cli/program.ts')
await run(process.argv.slice(2))
