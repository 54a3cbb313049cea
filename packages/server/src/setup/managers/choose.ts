import { existsSync } from 'node:fs'
import { SetupError } from '../step.ts'
import { launchd } from './launchd.ts'
import { type Manager, type ManagerName, MANAGERS } from './manager.ts'
import { supervisord } from './supervisord.ts'
import { systemd } from './systemd.ts'

const ALL: Record<ManagerName, Manager> = { systemd, supervisord, launchd }

/** The one that was asked for, else the one that has the service already, else the one that this machine runs. */
export function chooseManager(asked: string | undefined): Manager {
  if (asked) {
    const name = MANAGERS.find((each) => each === asked)
    if (name === undefined)
      throw new SetupError('preflight', `SERVICE_MANAGER is one of ${MANAGERS.join(', ')}, not ${asked}.`)
    return ALL[name]
  }
  return [supervisord, systemd, launchd].find(({ definitions }) => definitions.some(existsSync)) ?? ALL[native()]
}

function native(): ManagerName {
  if (process.platform === 'darwin') return 'launchd'
  // sd_booted(3)
  return existsSync('/run/systemd/system') ? 'systemd' : 'supervisord'
}
