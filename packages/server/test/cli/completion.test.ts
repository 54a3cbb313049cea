import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { environmentAt, MAIN, runToEnd } from './command.ts'
import { hasTmux, openTerminal } from './tmux.ts'

/** The tab key, in the shells that this machine has. */

/** The service answers in this process: it must not stand still meanwhile. */
const run = promisify(execFile)
const PATIENCE = { timeout: 30_000, interval: 50 }
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0

/** A place where `claude-proxy` is a command, with the script of a shell in a file. */
async function place(service: TestService, shell: string) {
  const cwd = service.folder()
  const bin = service.folder('bin')
  writeFileSync(join(bin, 'claude-proxy'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(join(bin, 'claude-proxy'), 0o755)
  const written = await runToEnd(['completion', shell], { service, cwd })
  expect(written).toMatchObject({ code: 0, stderr: '' })
  const script = join(bin, `completion.${shell}`)
  writeFileSync(script, written.stdout)
  const env: Record<string, string> = { ...environmentAt(service), PATH: `${bin}:${environmentAt(service)['PATH']}` }
  return { cwd, script, env }
}

type Place = Awaited<ReturnType<typeof place>>

/** What bash offers where the cursor stands: behind the last word. */
async function offeredByBash({ cwd, script, env }: Place, ...words: string[]): Promise<string[]> {
  const code = `source "$1"; shift
[[ $(complete -p claude-proxy) == *_claude_proxy* ]] || exit 9
COMP_WORDS=(claude-proxy "$@"); COMP_CWORD=$#
_claude_proxy 2>/dev/null
((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"; true`
  const { stdout } = await run('bash', ['--norc', '-c', code, 'bash', script, ...words], { cwd, env })
  return stdout.split('\n').slice(0, -1)
}

test('bash offers commands, their options, and the values that there are', async () => {
  await using service = await startTestService()
  const at = await place(service, 'bash')
  mkdirSync(join(at.cwd, 'src'))
  writeFileSync(join(at.cwd, 'shot one.png'), '')
  const offered = (...words: string[]) => offeredByBash(at, ...words)
  expect(await offered('s')).toEqual(['show', 'stop', 'search', 'service'])
  expect(await offered('run', '--per')).toEqual(['--permission-mode'])
  expect(await offered('run', '--effort', '')).toEqual(['low', 'medium', 'high', 'xhigh', 'max'])
  expect(await offered('run', '--effort', '=', 'h')).toEqual(['high'])
  expect(await offered('run', '-C', 's')).toEqual(['src'])
  expect((await offered('run', '--file', 's')).sort()).toEqual(['shot one.png', 'src'])
  expect(await offered('run', '--title', '')).toEqual([])
  expect(await offered('token', '')).toEqual(['create', 'list', 'revoke'])
  expect(await offered('token', 'create', '--sc')).toEqual(['--scopes'])
  expect(await offered('token', 'create', '--sock')).toEqual(['--socket'])
  expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish'])
  expect(await offered('--data-d')).toEqual(['--data-dir'])
  expect(await offered('nonsense', '')).toEqual([])
})

test('bash asks the running service for conversations, and does without where none runs', async () => {
  await using service = await startTestService()
  const at = await place(service, 'bash')
  const made = await call(`${service.base}/v1/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cwd: at.cwd, title: 'A title of words' }),
  })
  const { conversation_id: id } = JSON.parse(made.text) as { conversation_id: string }
  expect(await offeredByBash(at, 'show', '')).toEqual([id])
  expect(await offeredByBash(at, 'stop', '--all', id.slice(0, 4))).toEqual([id])
  expect(await offeredByBash(at, 'run', '--conversation', '')).toEqual([id])
  expect(await offeredByBash(at, 'approve', '')).toEqual([])
  const listed = await runToEnd(['ls', '--quiet'], { service, cwd: at.cwd })
  expect(listed.stdout).toBe(`${id}\tA title of words\n`)
  const nowhere = { ...at, env: { ...at.env, CLAUDE_PROXY_URL: 'http://127.0.0.1:1' } }
  expect(await offeredByBash(nowhere, 'show', '')).toEqual([])
})

describe.skipIf(!has('fish'))('in fish', () => {
  test('it offers commands with what they do, options, and conversations with their titles', async () => {
    await using service = await startTestService()
    const at = await place(service, 'fish')
    expect(await runToEnd(['run', '--title', 'Tidy', 'x'], { service, cwd: at.cwd })).toMatchObject({ code: 0 })
    const offered = async (line: string) => {
      const code = 'source $argv[1]; complete -C $argv[2]'
      return (await run('fish', ['--no-config', '-c', code, at.script, line], { cwd: at.cwd, env: at.env })).stdout
    }
    expect(await offered('claude-proxy atta')).toMatch(/^attach\tgoes back to a run/)
    expect(await offered('claude-proxy run --effort xh')).toBe('xhigh\tHow much the model is to make of it.\n')
    expect(await offered('claude-proxy token re')).toMatch(/^revoke\t/)
    expect(await offered('claude-proxy show ')).toMatch(/^\w{32}\tTidy$/m)
  })
})

describe.skipIf(!has('zsh') || !hasTmux)('in zsh', () => {
  test('tab completes commands, choices and the one conversation that there is', async () => {
    await using service = await startTestService()
    const at = await place(service, 'zsh')
    expect(await run('zsh', ['-f', '-n', at.script], at)).toEqual({ stdout: '', stderr: '' })
    expect(await runToEnd(['run', 'x'], { service, cwd: at.cwd })).toMatchObject({ code: 0 })
    const terminal = openTerminal(at.cwd, at.env)
    const enter = (text: string) => {
      terminal.type(text)
      terminal.press('Enter')
    }
    enter('PS1="> " exec zsh -f')
    enter(`autoload -Uz compinit && compinit -u -D && source ${at.script} && print read""y`)
    await expect.poll(() => terminal.screen(), PATIENCE).toContain('\nready')
    for (const [typed, completed] of [
      ['atta', /> claude-proxy attach \.$/m],
      ['run --effort xh', /> claude-proxy run --effort xhigh \.$/m],
      ['token rev', /> claude-proxy token revoke \.$/m],
      ['show ', /> claude-proxy show \w{32} \.$/m],
    ] as const) {
      terminal.type(`claude-proxy ${typed}`)
      terminal.press('Tab')
      terminal.type('.')
      await expect.poll(() => terminal.screen(), PATIENCE).toMatch(completed)
      terminal.press('C-c')
    }
  })
})
