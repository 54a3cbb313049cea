import { type Settings, valuesOf } from '../config.ts'

/** What a command is given. */
export interface Call {
  /** The words behind the command that are no options of the service. */
  readonly words: readonly string[]
  /** What the command's own options were given; `''` where one takes no value. */
  readonly given: Readonly<Record<string, string>>
  readonly settings: Settings
  /** The file that variables were read from, if one was named. */
  readonly environmentFile: string | undefined
}

export interface Command {
  /** What stands behind the name; each word is one that has to be there. `a|b` is a choice. */
  readonly words?: readonly string[]
  /** A word that may stand behind those. */
  readonly optional?: string
  readonly does: string
  /** Options of its own, by their flags; `takes`: what stands behind one, nothing if it only says yes. */
  readonly options?: Readonly<Record<string, { readonly takes?: string; readonly does: string }>>
  readonly examples: readonly string[]
  /** Loads what it needs and does it. */
  readonly run: (call: Call) => Promise<void>
}

/** Every command that needs no service but its files and this machine; some are two words. Each is loaded when it is called: the service starts without them. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  config: {
    does: 'shows every option with its value and where that comes from',
    examples: ['claude-proxy config', 'sudo claude-proxy config | grep token'],
    run: async ({ settings }) => (await import('./config.ts')).showConfig(settings),
  },
  doctor: {
    does: 'looks at all that the service needs, and says what to do; exit code 1 if something is wrong',
    options: {
      json: { does: 'as JSON' },
      online: { does: 'has an agent answer one word, which costs a few tokens' },
      thorough: { does: 'reads the whole database' },
    },
    examples: ['claude-proxy doctor', 'claude-proxy doctor --online --json | jq .'],
    run: async ({ given, settings, environmentFile }) => {
      const { doctor } = await import('./doctor.ts')
      await doctor({ config: valuesOf(settings), environment: process.env, environmentFile, given })
    },
  },
  import: {
    words: ['DIR'],
    does: 'takes in the data of the Python original',
    examples: ['claude-proxy import /opt/claude-proxy/data'],
    run: async ({ words: [directory = ''], settings }) =>
      (await import('./import.ts')).importDirectory(directory, valuesOf(settings)),
  },
  usage: {
    does: 'says what runs cost and used',
    options: {
      by: { takes: 'day|folder|model|conversation', does: 'what sums are told apart by' },
      from: { takes: 'DAY', does: 'the first day, such as 2026-11-01; usually thirty days ago' },
      to: { takes: 'DAY', does: 'the last day; usually today' },
      tz: { takes: 'ZONE', does: 'whose days, such as Europe/Berlin; usually UTC' },
      cwd: { takes: 'DIR', does: 'of one folder alone' },
      json: { does: 'as JSON' },
    },
    examples: ['claude-proxy usage', 'claude-proxy usage --by folder --from 2026-11-01 --tz Europe/Berlin'],
    run: async ({ given, settings }) => (await import('./usage.ts')).showUsage(given, valuesOf(settings)),
  },
  backup: {
    words: ['FILE'],
    does: 'writes all that is kept into one file, also while the service runs',
    examples: ['claude-proxy backup /backups/monday.backup'],
    run: async ({ words: [file = ''], settings }) => (await import('./backup.ts')).backup(file, valuesOf(settings)),
  },
  restore: {
    words: ['FILE'],
    does: 'puts what a backup holds into an empty data directory',
    options: { aside: { does: 'moves what is there into a directory of its own' } },
    examples: ['claude-proxy restore /backups/monday.backup', 'claude-proxy restore --aside /backups/monday.backup'],
    run: async ({ words: [file = ''], given, settings }) =>
      (await import('./restore.ts')).restoreBackup(file, given['aside'] !== undefined, valuesOf(settings)),
  },
  integrity: {
    does: 'checks all that is kept, and changes nothing; exit code 1 if anything is wrong',
    examples: ['claude-proxy integrity'],
    run: async ({ settings }) => (await import('./integrity.ts')).checkIntegrity(valuesOf(settings)),
  },
  prune: {
    optional: 'CONVERSATION',
    does: "deletes conversations at rest, a folder's own only when it is named; while no service runs",
    options: {
      'older-than': { takes: '90d', does: 'those without a run for so many days (d) or hours (h)' },
      'keep-size': { takes: '10GB', does: 'the oldest, until so much is left (MB, GB)' },
      'archived-first': { does: 'for the size: first those that were put away' },
      'dry-run': { does: 'only says which; beside a running service, too' },
    },
    examples: ['claude-proxy prune --older-than 90d --dry-run', 'claude-proxy prune --keep-size 10GB --archived-first'],
    run: async ({ words: [name], given, settings }) =>
      (await import('./prune.ts')).pruneConversations(name, given, valuesOf(settings)),
  },
  service: {
    words: ['install|uninstall|status|restart|reload|logs|wait'],
    does: 'does that with the service of this machine; wait: until it answers',
    examples: ['sudo claude-proxy service restart', 'sudo claude-proxy service logs'],
    run: async ({ words: [action = ''], settings }) =>
      (await import('./service.ts')).manageService(action, valuesOf(settings)),
  },
  upgrade: {
    optional: 'SOURCE',
    does: 'takes the service to the newest release, or to that of a URL, folder or archive',
    examples: ['sudo claude-proxy upgrade', 'sudo claude-proxy upgrade ./claude-proxy-1.2.0.tar.gz'],
    run: async ({ words: [source], settings }) => (await import('./upgrade.ts')).upgradeTo(source, valuesOf(settings)),
  },
  rollback: {
    does: 'takes the service back to the release before',
    examples: ['sudo claude-proxy rollback'],
    run: async ({ settings }) => (await import('./upgrade.ts')).goBack(valuesOf(settings)),
  },
  audit: {
    does: 'shows who did what; also while the service runs',
    options: {
      since: { takes: '7d', does: 'not what was before that: days (d), hours (h), or a time' },
      json: { does: 'a line of JSON for each' },
    },
    examples: ['claude-proxy audit --since 7d', `claude-proxy audit --json | jq 'select(.who == "phone")'`],
    run: async ({ given, settings }) => (await import('./audit.ts')).showAudit(given, valuesOf(settings)),
  },
  'token create': {
    words: ['NAME'],
    does: 'makes a token and shows it once; also while the service runs',
    options: {
      scopes: { takes: 'read,run,approve,admin', does: 'what it is for; usually read,run,approve' },
      roots: { takes: 'DIR,…', does: 'the folders that there are for it; usually all' },
      expires: { takes: '90d', does: 'when it ends; usually when it is revoked' },
      qr: { does: 'also shows a QR code, for a phone' },
      url: { takes: 'URL', does: 'where the phone reaches the service; usually http://127.0.0.1:8787' },
    },
    examples: [
      'claude-proxy token create phone --expires 90d --qr',
      'claude-proxy token create ci --scopes read,run --roots /srv/app',
    ],
    run: async ({ words: [name = ''], given, settings }) =>
      (await import('./tokens.ts')).createNamedToken(name, given, valuesOf(settings)),
  },
  'token list': {
    does: 'shows the tokens that there are, and what for',
    examples: ['claude-proxy token list'],
    run: async ({ settings }) => (await import('./tokens.ts')).listTokens(valuesOf(settings)),
  },
  'token revoke': {
    words: ['NAME|ID'],
    does: 'has a token open nothing any more, from this moment on',
    examples: ['claude-proxy token revoke phone'],
    run: async ({ words: [name = ''], settings }) =>
      (await import('./tokens.ts')).revokeNamedToken(name, valuesOf(settings)),
  },
  completion: {
    words: ['bash|zsh|fish'],
    does: 'writes what a shell needs to complete all of this with the tab key',
    examples: [
      'eval "$(claude-proxy completion bash)"   # in ~/.bashrc',
      'eval "$(claude-proxy completion zsh)"    # in ~/.zshrc, after compinit',
      'claude-proxy completion fish | source    # in ~/.config/fish/config.fish',
    ],
    run: async ({ words: [shell = ''] }) => (await import('./completion.ts')).writeCompletion(shell),
  },
}
