import { type Settings, valuesOf } from '../config.ts'

/** What a command is given. */
export interface Call {
  /** The words behind the command that are no options of the service. */
  readonly words: readonly string[]
  readonly settings: Settings
}

export interface Command {
  /** What stands behind the name, for the help; each word is one that has to be there. */
  readonly words?: readonly string[]
  /** A word that may stand behind those. */
  readonly optional?: string
  readonly does: string
  /** Loads what it needs and does it. */
  readonly run: (call: Call) => Promise<void>
}

/** Every command but the service itself. Each is loaded when it is called: the service starts without them. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  config: {
    does: 'shows every option with its value and where that comes from',
    run: async ({ settings }) => (await import('./config.ts')).showConfig(settings),
  },
  import: {
    words: ['DIR'],
    does: 'takes in the data of the Python original',
    run: async ({ words: [directory = ''], settings }) =>
      (await import('./import.ts')).importDirectory(directory, valuesOf(settings)),
  },
  service: {
    words: ['ACTION'],
    does: 'install, uninstall, status, restart, logs; wait: until it answers',
    run: async ({ words: [action = ''], settings }) =>
      (await import('./service.ts')).manageService(action, valuesOf(settings)),
  },
  upgrade: {
    optional: 'SOURCE',
    does: 'takes the service to the newest release, or to that of a URL, folder or archive',
    run: async ({ words: [source], settings }) => (await import('./upgrade.ts')).upgradeTo(source, valuesOf(settings)),
  },
  rollback: {
    does: 'takes the service back to the release before',
    run: async ({ settings }) => (await import('./upgrade.ts')).goBack(valuesOf(settings)),
  },
}
