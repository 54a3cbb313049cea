import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const run = promisify(execFile)

test('the demo runs through: the real service, the real Claude Code, and every promise kept', async () => {
  const { stdout } = await run(process.execPath, [MAIN])
  expect(stdout).toMatch(/^The model in this demo is a script, not a real model\./)
  expect(stdout.match(/^yes {2}/gm)).toHaveLength(5)
  expect(stdout).toContain('The service has stopped: exit code 0')
})
