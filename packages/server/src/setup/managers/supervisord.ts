import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** The machine's supervisord; unless `conf` is empty, the one that reads this file, and programs in `conf.d` beside it. */
export function createSupervisord(conf: string): Manager {
  const files = conf ? [join(dirname(conf), 'conf.d', 'claude-proxy.conf')] : FILES
  const where = conf ? ['-c', conf] : []
  const ctl = (...args: string[]) => [...where, ...args]
  const isRunning = () => ask('supervisorctl', ctl('pid')) !== undefined

  function ensureRunning(): void {
    if (isRunning()) return
    for (const name of conf ? [] : ['supervisor', 'supervisord']) {
      attempt('service', [name, 'start'])
      if (isRunning()) return
    }
    const file = conf || MAIN_FILES.find((each) => existsSync(each))
    attempt('supervisord', file === undefined ? [] : ['-c', file])
    if (!isRunning()) throw new SetupError('supervisord', 'supervisord does not run, and cannot be started.')
  }

  const supervisord: Manager = {
    name: 'supervisord',
    // The original wrote the last one on Fedora, where nobody reads it.
    definitions: conf ? files : [...files, '/etc/supervisord.d/claude-proxy.conf'],
    define(definition) {
      const file = files.find((each) => existsSync(dirname(each)))
      if (file === undefined)
        throw new SetupError('supervisord', `supervisord has no folder for programs: ${files.map(dirname).join(', ')}.`)
      mkdirSync(definition.place.logDir, { recursive: true })
      return writeTemplate('supervisord/claude-proxy.conf', file, definition)
    },
    restart() {
      ensureRunning()
      // Starts what is new to it, or has changed; what it says then ends in "process group".
      const changed = ask('supervisorctl', ctl('update', PROGRAM))
      if (!changed?.includes('process group')) run('supervisord', 'supervisorctl', ctl('restart', PROGRAM))
    },
    reload: () => run('supervisord', 'supervisorctl', ctl('signal', 'HUP', PROGRAM)),
    stop() {
      if (isRunning() && ask('supervisorctl', ctl('pid', PROGRAM))?.match(/^[1-9]/))
        run('supervisord', 'supervisorctl', ctl('stop', PROGRAM))
    },
    forget() {
      for (const file of supervisord.definitions) rmSync(file, { force: true })
      if (isRunning()) attempt('supervisorctl', ctl('update', PROGRAM))
    },
    status: () => show('supervisorctl', ctl('status', PROGRAM)),
    logs: ({ logDir }) => show('tail', ['-n', '200', '-F', join(logDir, 'claude-proxy.log')]),
  }
  return supervisord
}
