import { chownSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ask, attempt, run } from './command.ts'
import { SetupError } from './step.ts'

/** The user of a new installation. */
export const OWN_USER = 'claude-proxy'
/** Its home: what the agent keeps for itself (`~/.claude`). */
const HOME = '/var/lib/claude-proxy'

/** Makes sure that there is such a user. Only our own is made; who names another has it. */
export function ensureUser(name: string): void {
  if (!/^[a-z_][\w.-]*$/i.test(name)) throw new SetupError('user', `${name} cannot be the name of a user.`)
  if (ask('id', ['-u', name]) !== undefined) return
  if (name !== OWN_USER) throw new SetupError('user', `There is no user ${name}.`)
  // Nobody logs in as it; `sudo -u claude-proxy -H claude` works all the same.
  const common = ['--system', '--user-group', '--home-dir', HOME, '--create-home', '--shell', '/usr/sbin/nologin', name]
  if (attempt('useradd', common) !== 127) return confirm(name)
  // BusyBox
  run('user', 'addgroup', ['-S', name])
  run('user', 'adduser', ['-S', '-D', '-G', name, '-h', HOME, '-s', '/sbin/nologin', name])
}

function confirm(name: string): void {
  if (ask('id', ['-u', name]) === undefined) throw new SetupError('user', `The user ${name} could not be made.`)
}

/** Who owns a file or folder; undefined when it is not there. */
export function ownerOf(path: string): string | undefined {
  const uid = statSync(path, { throwIfNoEntry: false })?.uid
  return uid === undefined ? undefined : (ask('id', ['-un', String(uid)]) ?? String(uid))
}

/** Gives a folder and all in it to a user. Follows no link out of it. */
export function give(path: string, user: string): void {
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(ask('id', [flag, user])))
  if (uid === undefined || gid === undefined) return
  const entries = readdirSync(path, { withFileTypes: true, recursive: true })
  for (const each of entries)
    if (each.isFile() || each.isDirectory()) chownSync(join(each.parentPath, each.name), uid, gid)
  chownSync(path, uid, gid)
}
