import { type Settings, valuesOf } from '../config.ts'

/** What a command is given. */
export interface Call {
  /** The words behind the command that are no options of the service. */
  readonly words: readonly string[]
  /** The command's own options that were given; of one that takes no value, an empty text. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly settings: Settings
}

export interface Command {
  /** What stands behind the name, for the help; each word is one that has to be there. */
  readonly words?: readonly string[]
  /** Options of its own, by name: what stands for the value in the help; empty for one that takes none. */
  readonly flags?: Readonly<Record<string, string>>
  readonly does: string
  /** Loads what it needs and does it. */
  readonly run: (call: Call) => Promise<void>
}

/** Every command but the service itself; some are two words. Each is loaded when it is called: the service starts without them. */
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
  audit: {
    flags: { since: '7d', json: '' },
    does: 'shows who did what; also while the service runs',
    run: async ({ flags, settings }) => (await import('./audit.ts')).showAudit(flags, valuesOf(settings)),
  },
  'token create': {
    words: ['NAME'],
    flags: { scopes: 'read,run,approve,admin', roots: 'DIR,…', expires: '90d', qr: '', url: 'http://127.0.0.1:8787' },
    does: 'makes a token and shows it once; also while the service runs',
    run: async ({ words: [name = ''], flags, settings }) =>
      (await import('./tokens.ts')).createNamedToken(name, flags, valuesOf(settings)),
  },
  'token list': {
    does: 'shows the tokens that there are, and what for',
    run: async ({ settings }) => (await import('./tokens.ts')).listTokens(valuesOf(settings)),
  },
  'token revoke': {
    words: ['NAME|ID'],
    does: 'has a token open nothing any more, from this moment on',
    run: async ({ words: [name = ''], settings }) =>
      (await import('./tokens.ts')).revokeNamedToken(name, valuesOf(settings)),
  },
}
