import { existsSync, rmSync } from 'node:fs'
import { attempt, run, show } from '../command.ts'
import type { Manager } from './manager.ts'
import { writeTemplate } from './template.ts'

const UNITS = '/etc/systemd/system'
const NAME = 'claude-agent-proxy.service'
const TIMER = 'claude-proxy-upgrade.timer'
const UNIT = `${UNITS}/${NAME}`
const OWN_USER = `${UNIT}.d/10-own-user.conf`
const UPGRADE = [`${UNITS}/claude-proxy-upgrade.service`, `${UNITS}/${TIMER}`]

export const systemd: Manager = {
  name: 'systemd',
  definitions: [UNIT],
  define(definition) {
    const isRoot = definition.user === 'root'
    // Root has it for work that these lines would forbid.
    if (isRoot) rmSync(OWN_USER, { force: true })
    const changed = [
      writeTemplate(`systemd/${NAME}`, UNIT, definition),
      !isRoot && writeTemplate('systemd/own-user.conf', OWN_USER, definition),
      ...UPGRADE.map((file) => writeTemplate(file.replace(UNITS, 'systemd'), file, definition)),
    ]
    run('service', 'systemctl', ['daemon-reload'])
    run('service', 'systemctl', ['enable', NAME])
    return changed.includes(true)
  },
  // Comes back when ExecStartPost has seen it answer.
  restart() {
    run('service', 'systemctl', ['daemon-reload'])
    run('service', 'systemctl', ['restart', NAME])
  },
  reload: () => run('service', 'systemctl', ['reload', NAME]),
  stop() {
    if (existsSync(UNIT)) run('service', 'systemctl', ['stop', NAME])
  },
  forget() {
    attempt('systemctl', ['disable', '--now', TIMER])
    attempt('systemctl', ['disable', NAME])
    for (const file of [UNIT, OWN_USER, ...UPGRADE]) rmSync(file, { force: true })
    attempt('systemctl', ['daemon-reload'])
  },
  status: () => show('systemctl', ['status', '--no-pager', NAME]),
  logs: () => show('journalctl', ['--unit', NAME, '--lines', '200', '--follow']),
}
