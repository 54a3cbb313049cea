import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { breaches } from './arrows.ts'

const PACKAGES = join(import.meta.dirname, '../../..')

it('every import goes along an arrow', () => {
  const files = globSync('*/src/**/*.{ts,tsx,js}', { cwd: PACKAGES })
  expect(files.length).toBeGreaterThan(50)
  expect(files.flatMap((file) => breaches(file, readFileSync(join(PACKAGES, file), 'utf8')))).toEqual([])
})

it.each([
  ['protocol/src/a.ts', `import { x } from 'node:fs'`],
  ['protocol/src/a.ts', `import { x } from '../../server/src/core/ports/store.ts'`],
  ['client/src/a.ts', `import { STATUS } from '@claude-proxy/protocol/errors'`],
  ['client/src/a.ts', `import type { z } from 'zod'`],
  ['client/src/a.ts', `import { setTimeout } from 'node:timers/promises'`],
  ['server/src/core/log/a.ts', `import type { Server } from 'node:http'`],
  ['server/src/core/a.ts', `import { spawn } from 'node:child_process'`],
  ['server/src/core/a.ts', `import { x } from '../store/memory/store.ts'`],
  ['server/src/core/a.ts', `import { z } from 'zod'`],
  ['server/src/core/a.ts', `const home = process.env['HOME']`],
  ['server/src/core/a.ts', `const now = Date.now()`],
  ['server/src/agents/claude/a.ts', `import { x } from '../scripted/agent.ts'`],
  ['server/src/agents/claude/a.ts', `import { x } from '../../http/read.ts'`],
  ['server/src/agents/scripted/a.ts', `const { query } = await import('@anthropic-ai/claude-agent-sdk')`],
  ['server/src/agents/queue.ts', `import { x } from './claude/turn.ts'`],
  ['server/src/store/memory/a.ts', `import { x } from '../sqlite/open.ts'`],
  ['server/src/store/memory/a.ts', `import { DatabaseSync } from 'node:sqlite'`],
  ['server/src/store/sqlite/a.ts', `export * from '../../agents/queue.ts'`],
  ['server/src/http/a.ts', `import { openSqliteStore } from "../store/sqlite/store.ts"`],
  ['server/src/http/a.ts', `import '../config.ts'`],
  ['server/src/http/a.ts', `import { x } from '../workspace/git.ts'`],
  ['server/src/workspace/a.ts', `import { x } from '../http/read.ts'`],
  ['server/src/service.ts', `import { DatabaseSync } from 'node:sqlite'`],
  ['console/src/a.tsx', `import { x } from '../../server/src/http/read.ts'`],
  ['console/src/a.tsx', `import { readFile } from 'node:fs/promises'`],
  ['console/src/a.tsx', `import { List } from '../../client/src/view/list.ts'`],
  ['console/src/a.tsx', `import { ENDPOINTS } from '@claude-proxy/protocol/endpoints'`],
  ['server/src/http/a.ts', `import { x } from '../../../console/src/words.ts'`],
  ['server/src/core/a.ts', `import { createClient } from '@claude-proxy/client'`],
  ['server/src/cli/a.ts', `import { createClient } from '@claude-proxy/client'`],
  ['server/src/helpers.ts', ''],
])('in %s this is noticed: %s', (file, source) => {
  expect(breaches(file, source)).toHaveLength(1)
})

it.each([
  ['protocol/src/a.ts', `import { z } from 'zod'\nimport { x } from './ids.ts'`],
  ['client/src/a.ts', `import type { ErrorCode } from '@claude-proxy/protocol/errors'\nimport { x } from './b.ts'`],
  [
    'console/src/a.tsx',
    `import { view } from '@claude-proxy/client'\nimport type { Answer } from '@claude-proxy/protocol/endpoints'`,
  ],
  ['server/src/core/runs/a.ts', `import { join } from 'node:path'\nimport type { Run } from '../ports.ts'`],
  ['server/src/agents/claude/a.ts', `import { query } from '@anthropic-ai/claude-agent-sdk'\nimport '../queue.ts'`],
  ['server/src/store/sqlite/a.ts', `import { DatabaseSync } from 'node:sqlite'`],
  ['server/src/cli/terminal/a.ts', `import { createClient } from '@claude-proxy/client'`],
  [
    'server/src/http/a.ts',
    `import type { IncomingMessage } from 'node:http'\nimport { TrieRouter } from 'hono/router/trie-router'`,
  ],
])('in %s this is allowed: %s', (file, source) => {
  expect(breaches(file, source)).toEqual([])
})
