import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, run, show } from '../command.ts'
import type { Manager } from './manager.ts'
import { writeTemplate } from './template.ts'

const LABEL = 'com.codeagents.claude-proxy'
const FILE = `/Library/LaunchDaemons/${LABEL}.plist`

export const launchd: Manager = {
  name: 'launchd',
  definitions: [FILE],
  define(definition) {
    mkdirSync(definition.place.logDir, { recursive: true })
    return writeTemplate(`launchd/${LABEL}.plist`, FILE, definition)
  },
  restart() {
    // Only so does it read a changed definition.
    attempt('launchctl', ['bootout', 'system', FILE])
    run('service', 'launchctl', ['bootstrap', 'system', FILE])
    run('service', 'launchctl', ['kickstart', '-k', `system/${LABEL}`])
  },
  reload: () => run('service', 'launchctl', ['kill', 'HUP', `system/${LABEL}`]),
  stop() {
    if (existsSync(FILE)) attempt('launchctl', ['bootout', 'system', FILE])
  },
  forget: () => rmSync(FILE, { force: true }),
  status: () => show('launchctl', ['print', `system/${LABEL}`]),
  logs: ({ logDir }) => show('tail', ['-n', '200', '-F', join(logDir, 'claude-proxy.log')]),
}
