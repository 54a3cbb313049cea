import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ask, attempt, run, show } from '../command.ts'
import { SetupError } from '../step.ts'
import type { Manager } from './manager.ts'
import { writeTemplate } from './template.ts'

const PROGRAM = 'claude-proxy'

/** Where distributions look for programs: Debian, Alpine and Arch, Fedora. */
const FILES = [
  '/etc/supervisor/conf.d/claude-proxy.conf',
  '/etc/supervisor.d/claude-proxy.ini',
  '/etc/supervisord.d/claude-proxy.ini',
]
const MAIN_FILES = ['/etc/supervisor/supervisord.conf', '/etc/supervisord.conf']

export const supervisord: Manager = {
  name: 'supervisord',
  // The original wrote the last one on Fedora, where nobody reads it.
  definitions: [...FILES, '/etc/supervisord.d/claude-proxy.conf'],
  define(definition) {
    const file = FILES.find((each) => existsSync(join(each, '..')))
    if (file === undefined) throw new SetupError('supervisord', 'supervisord has no folder for programs in /etc.')
    mkdirSync(definition.place.logDir, { recursive: true })
    return writeTemplate('supervisord/claude-proxy.conf', file, definition)
  },
  restart() {
    ensureRunning()
    // Starts what is new to it, or has changed; what it says then ends in "process group".
    const changed = ask('supervisorctl', ['update', PROGRAM])
    if (!changed?.includes('process group')) run('supervisord', 'supervisorctl', ['restart', PROGRAM])
  },
  stop() {
    if (isRunning() && ask('supervisorctl', ['pid', PROGRAM])?.match(/^[1-9]/))
      run('supervisord', 'supervisorctl', ['stop', PROGRAM])
  },
  forget() {
    for (const file of supervisord.definitions) rmSync(file, { force: true })
    if (isRunning()) attempt('supervisorctl', ['update', PROGRAM])
  },
  status: () => show('supervisorctl', ['status', PROGRAM]),
  logs: ({ logDir }) => show('tail', ['-n', '200', '-F', join(logDir, 'claude-proxy.log')]),
}

function isRunning(): boolean {
  return ask('supervisorctl', ['pid']) !== undefined
}

function ensureRunning(): void {
  if (isRunning()) return
  for (const name of ['supervisor', 'supervisord']) {
    attempt('service', [name, 'start'])
    if (isRunning()) return
  }
  const file = MAIN_FILES.find((each) => existsSync(each))
  attempt('supervisord', file === undefined ? [] : ['-c', file])
  if (!isRunning()) throw new SetupError('supervisord', 'supervisord does not run, and cannot be started.')
}
