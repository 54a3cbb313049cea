#!/usr/bin/env -S node --max-semi-space-size=8
// The flag keeps V8's young generation small: with its default, each idle subscriber costs 8 KiB more.
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
