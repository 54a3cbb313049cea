import { existsSync } from 'node:fs'
import { SetupError } from '../step.ts'
import { launchd } from './launchd.ts'
import { type Manager, MANAGERS, type ManagerName } from './manager.ts'
import { createSupervisord } from './supervisord.ts'
import { systemd } from './systemd.ts'

/** The one that was asked for, else the one that has the service already, else the one that this machine runs. */
export function chooseManager(asked: string | undefined, supervisordConf: string): Manager {
  const supervisord = createSupervisord(supervisordConf)
  const all: Record<ManagerName, Manager> = { systemd, supervisord, launchd }
  if (asked) {
    const name = MANAGERS.find((each) => each === asked)
    if (name === undefined)
      throw new SetupError('preflight', `SERVICE_MANAGER is one of ${MANAGERS.join(', ')}, not ${asked}.`)
    return all[name]
  }
  return [supervisord, systemd, launchd].find(({ definitions }) => definitions.some(existsSync)) ?? all[native()]
}

function native(): ManagerName {
  if (process.platform === 'darwin') return 'launchd'
  // sd_booted(3)
  return existsSync('/run/systemd/system') ? 'systemd' : 'supervisord'
}
