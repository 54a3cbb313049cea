import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readEnvFile } from '../../src/cli/env-file.ts'

const LAUNCHER = join(import.meta.dirname, '../../../../scripts/run_proxy_service.sh')

it.each([
  'A=1',
  'A=',
  '# Managed by CodeAgentsMobile\n\n  # A=0\nA=1\r\nB=2',
  'export A=1',
  'A=sk-ant-x#y=z',
  'A=1 # one',
  'A="a # b" # c',
  "A='it is'",
  'A=it"s',
  'A="a # b" # "c"',
  'A=1\nA=2',
  'A=two words & $(touch x) `y` ; z',
  'A="unfinished',
  'A=a\\nb\\',
  '  A = 1\nB=2',
])('the launcher reads %j as the program itself does', (text) => {
  const { launch, envFile } = installation(text)
  const names = [...text.matchAll(/^(?:export )?([A-Z])=/gm)].map(([, name = '']) => name)
  const found = launch()
  const read = text.includes('A = 1') ? new Map([['B', { value: '2' }]]) : (readEnvFile(envFile) ?? new Map())
  for (const name of names) expect([name, found[name]]).toEqual([name, read.get(name)?.value])
})

it('variables of the file win over those around it, and the data lies with the installation', () => {
  const { launch, root } = installation('A=file')
  const found = launch({ A: 'around' })
  expect(found['A']).toBe('file')
  expect(found['CLAUDE_PROXY_DATA_DIR']).toBe(join(root, 'data'))
  expect(found['INSTALL_DIR']).toBe(root)
})

it('hands its arguments on, behind the flag that the program asks for', () => {
  const { launch, root } = installation('')
  expect(launch({}, ['config', 'two words'])['ARGUMENTS']).toBe(
    `--max-semi-space-size=8 ${root}/current/packages/server/src/main.js config two words`,
  )
})

/** An installation whose Node.js only says how it was called. */
function installation(text: string) {
  const root = mkdtempSync(join(tmpdir(), 'claude-proxy-launcher-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const release = join(root, 'current')
  for (const folder of ['scripts', 'runtime/bin']) mkdirSync(join(release, folder), { recursive: true })
  const launcher = join(release, 'scripts/run_proxy_service.sh')
  copyFileSync(LAUNCHER, launcher)
  const node = join(release, 'runtime/bin/node')
  writeFileSync(node, '#!/bin/sh\nARGUMENTS="$*" exec env -0\n')
  chmodSync(node, 0o755)
  const envFile = join(root, 'x.env')
  writeFileSync(envFile, text)
  return {
    root,
    envFile,
    launch: (environment: Record<string, string> = {}, args: string[] = []): Record<string, string | undefined> => {
      const out = execFileSync(launcher, args, {
        env: { PATH: process.env['PATH'], ENV_FILE: envFile, ...environment },
        encoding: 'utf8',
      })
      const lines = out.split('\0').filter(Boolean)
      return Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      )
    },
  }
}
