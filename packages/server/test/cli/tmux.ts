import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { MAIN } from './command.ts'

/** Whether this machine has a terminal to test in. */
export const hasTmux = spawnSync('tmux', ['-V']).status === 0

/** A terminal with a shell in it. */
export interface Terminal {
  /** Types a command for the program and Enter. */
  program(args: string): void
  /** Types text as it is. */
  type(text: string): void
  /** Presses a key by tmux's name for it, such as `Enter` or `C-c`. */
  press(...keys: string[]): void
  /** What can be seen, with what has gone off the top; `isStyled`: with the escape sequences of its styles. */
  screen(isStyled?: boolean): string
}

/** A terminal of a tmux server of its own, gone with the test. */
export function openTerminal(cwd: string, environment: Record<string, string>, columns = 80): Terminal {
  const folder = mkdtempSync(join(tmpdir(), 'claude-proxy-tmux-'))
  const socket = join(folder, 's')
  const env = { TERM: 'xterm-256color', LANG: 'C.UTF-8', PS1: '$ ', SHELL: '/bin/sh', ...environment }
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', socket, ...args], { env, encoding: 'utf8' })
  tmux('new-session', '-d', '-x', String(columns), '-y', '50', '-c', cwd, '/bin/sh')
  onTestFinished(() => {
    tmux('kill-server')
    rmSync(folder, { recursive: true, force: true })
  })
  const type = (text: string) => void tmux('send-keys', '-l', '--', text)
  const press = (...keys: string[]) => void tmux('send-keys', ...keys)
  return {
    type,
    press,
    program(args) {
      type(`${process.execPath} ${MAIN} ${args}; echo "ended with $?"`)
      press('Enter')
    },
    screen: (isStyled = false) => tmux('capture-pane', '-p', '-S', '-500', ...(isStyled ? ['-e'] : [])),
  }
}
