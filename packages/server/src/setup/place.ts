import { existsSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Config } from '../config.ts'
import { SetupError } from './step.ts'

/** Where an installation lies. */
export interface Place {
  /** Holds `releases`, `current` (a link to one of them), and, unless told otherwise, the data. */
  readonly installDir: string
  readonly dataDir: string
  readonly logDir: string
  readonly envFile: string
  /** How the program is found by its name. */
  readonly command: string
  /** The file of the supervisord that is to be used; empty for the machine's own. */
  readonly supervisordConf: string
}

/** The release that this file belongs to. */
export const RELEASE = join(import.meta.dirname, '../../../..')

const RELEASES = '/releases/'

/**
 * The place of this installation: what `environment` says, as install.sh and its launcher set it, else where this code
 * lies.
 */
export function readPlace(environment: NodeJS.ProcessEnv, { dataDir }: Pick<Config, 'dataDir'>): Place {
  const at = RELEASE.lastIndexOf(RELEASES)
  const installDir = environment['INSTALL_DIR'] || RELEASE.slice(0, at)
  if (at < 0 || RELEASE.slice(0, at) !== installDir)
    throw new SetupError('preflight', 'This is a checkout, not an installation: run install.sh, which makes one.')
  const place = {
    installDir,
    dataDir: environment['CLAUDE_PROXY_DATA_DIR'] ? dataDir : join(installDir, 'data'),
    logDir: environment['LOG_DIR'] || '/var/log/claude-proxy',
    envFile: environment['ENV_FILE'] || '/etc/claude-proxy.env',
    command: join(environment['BIN_DIR'] || '/usr/local/bin', 'claude-proxy'),
    supervisordConf: environment['SUPERVISORD_CONF'] ?? '',
  }
  // They stand in units, where blanks, quotes and % mean something.
  for (const path of Object.values(place))
    if (path !== '' && !/^\/[\w./+@-]+$/.test(path))
      throw new SetupError('preflight', `${path} cannot be used: an absolute path of letters, digits and ._/+@- can.`)
  return place
}

/** The name of the release that runs now, or ran last; undefined when none was installed. */
export function currentRelease({ installDir }: Place): string | undefined {
  const link = join(installDir, 'current')
  return existsSync(link) ? basename(readlinkSync(link)) : undefined
}

export function releaseDir({ installDir }: Place, name: string): string {
  return join(installDir, 'releases', name)
}

export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new SetupError('preflight', 'Only root can do this: use sudo.')
}
