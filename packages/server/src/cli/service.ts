import { type Config, ConfigError } from '../config.ts'
import { awaitHealth, HEALTH_MS } from '../setup/health.ts'
import { install, openInstallation, uninstall } from '../setup/install.ts'
import { reachOf } from '../setup/reach.ts'
import { failed, SetupError } from '../setup/step.ts'

const ACTIONS: Readonly<Record<string, (config: Config) => void | Promise<void>>> = {
  install: (config) => install(config, process.env),
  uninstall: (config) => uninstall(config, process.env),
  status: (config) => openInstallation(config, process.env).manager.status(),
  logs(config) {
    const { manager, place } = openInstallation(config, process.env)
    manager.logs(place)
  },
  async restart(config) {
    openInstallation(config, process.env).manager.restart()
    await untilItAnswers(config)
  },
  reload: (config) => openInstallation(config, process.env).manager.reload(),
  wait: untilItAnswers,
}

/** `claude-proxy service ACTION`: the service as the machine's service manager knows it. */
export function manageService(action: string, config: Config): Promise<void> {
  const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined
  if (act === undefined) throw new ConfigError(`claude-proxy service knows ${Object.keys(ACTIONS).join(', ')}.`)
  return asSteps(async () => act(config))
}

/** Tells a failure in the line that clients of the installer look for. */
export async function asSteps(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    failed(error.step, error.message)
    process.exitCode = 1
  }
}

async function untilItAnswers(config: Config): Promise<void> {
  const reach = reachOf(config)
  if ((await awaitHealth(reach)) === undefined)
    throw new SetupError('healthz', `Nothing answers at ${reach.place} after ${HEALTH_MS / 1000} seconds.`)
}
