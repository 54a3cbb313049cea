import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program of each of Debian's packages that the tests need. */
const PROGRAMS: Readonly<Record<string, string>> = {
  curl: 'curl',
  dbus: 'dbus-daemon',
  git: 'git',
  iproute2: 'ip',
  jq: 'jq',
  nginx: 'nginx',
  openssl: 'openssl',
  procps: 'ps',
  python3: 'python3',
  shellcheck: 'shellcheck',
  supervisor: 'supervisord',
  systemd: 'systemd-analyze',
  'util-linux': 'unshare',
}

/** Throws a sentence that names all that is missing: a test that is left out would look like one that has passed. */
export function expectAll(): void {
  const missing = Object.entries(PROGRAMS).flatMap(([name, program]) => (isThere(program) ? [] : [name]))
  const remedies = [
    ...(missing.length > 0 ? [`apt-get install ${missing.join(' ')}`] : []),
    ...(process.getuid?.() === 0 ? [] : ['run them as root, who alone installs services']),
  ]
  if (remedies.length > 0) throw new Error(`The tests of the installation need more: ${remedies.join('; ')}.`)
}

function isThere(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
