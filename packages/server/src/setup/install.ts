import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { importDirectory } from '../cli/import.ts'
import { type Config, OPTIONS } from '../config.ts'
import { activate, type Installation } from './activate.ts'
import { workAlone } from './alone.ts'
import { addVariable, ensureEnvFile } from './env-line.ts'
import { chooseManager } from './managers/choose.ts'
import {
  findKept,
  findUnadopted,
  foldersOf,
  isOriginalThere,
  type Kept,
  markAdopted,
  putBack,
  setAside,
  userOfOriginal,
} from './original.ts'
import { awaitHealth } from './health.ts'
import { currentRelease, type Place, readPlace, RELEASE, releaseDir, requireRoot } from './place.ts'
import { reachOf } from './reach.ts'
import { done } from './step.ts'
import { readVersion } from '../version.ts'
import { ensureUser, give, OWN_USER, ownerOf } from './user.ts'

/** How the command is found by its name. */
const COMMAND = '/usr/local/bin/claude-proxy'
/** What install.sh adds to it: the man page, and what shells need to complete it. */
const MANUAL = [
  '/usr/local/share/man/man1/claude-proxy.1',
  '/usr/share/bash-completion/completions/claude-proxy',
  '/usr/share/zsh/vendor-completions/_claude-proxy',
  '/usr/share/fish/vendor_completions.d/claude-proxy.fish',
]

/** The installation that this code belongs to. */
export function openInstallation(config: Config, environment: NodeJS.ProcessEnv): Installation {
  const place = readPlace(environment, config)
  const user = ownerOf(join(place.dataDir, 'claude-proxy.db')) ?? usualUser(environment)
  return {
    place,
    user,
    manager: chooseManager(environment['SERVICE_MANAGER'], place.supervisordConf),
    config: { ...config, dataDir: place.dataDir },
  }
}

/**
 * Makes a service of the release that this code belongs to, and starts it; done again, it puts in order what is not. The
 * Python original, if it is there, is moved aside, and what it has kept is taken in.
 */
export async function install(config: Config, environment: NodeJS.ProcessEnv): Promise<void> {
  requireRoot()
  const found = openInstallation(config, environment)
  const { place, manager } = found
  using _ = workAlone(place)
  const replaces = isOriginalThere(place) || findUnadopted(place) !== undefined
  const user = environment['RUN_AS'] || userBefore(found, replaces)
  const installation = { ...found, user }
  ensureUser(user)
  ensureEnvFile(place.envFile)
  const said = keepVariables(place, environment)
  mkdirSync(place.logDir, { recursive: true })
  const kept = replaces ? takeAside(installation) : undefined
  try {
    mkdirSync(place.dataDir, { recursive: true, mode: 0o700 })
    if (kept !== undefined) await adopt(kept, installation)
    give(place.dataDir, user)
    writeCommand(place)
    const name = basename(realpathSync(RELEASE))
    // What does its work already is not interrupted.
    if (said || !(await runsAlready(name, installation))) await activate(name, installation)
    if (kept !== undefined) markAdopted(kept)
  } catch (error) {
    if (kept !== undefined) restore(kept, installation)
    throw error
  }
  done('complete', `claude-proxy runs as ${user}, kept up by ${manager.name}; its data lies in ${place.dataDir}`)
}

/** Ends the service and takes it from the service manager. Data, code and settings stay where they are. */
export function uninstall(config: Config, environment: NodeJS.ProcessEnv): void {
  requireRoot()
  const installation = openInstallation(config, environment)
  const { place, manager } = installation
  using _ = workAlone(place)
  manager.stop()
  manager.forget()
  if (isOurs(place.command)) {
    rmSync(place.command)
    if (place.command === COMMAND) for (const file of MANUAL) rmSync(file, { force: true })
  }
  done(
    'service',
    `stopped and removed; data stays in ${place.dataDir}, code in ${place.installDir}, settings in ${place.envFile}`,
  )
  const kept = findKept(place)
  if (kept !== undefined) restore(kept, installation)
  done('complete', 'uninstalled')
}

function userBefore({ place, user, manager }: Installation, replaces: boolean): string {
  const before = replaces ? userOfOriginal(manager) : user
  if (before !== OWN_USER && (replaces || currentRelease(place) !== undefined))
    done('user', `${before}, as before; RUN_AS=${OWN_USER} gives it a user of its own`)
  return before
}

/** On macOS a login lives in the Keychain of the person who installs. */
function usualUser(environment: NodeJS.ProcessEnv): string {
  return process.platform === 'darwin' ? (environment['SUDO_USER'] ?? 'root') : OWN_USER
}

async function runsAlready(name: string, { place, user, manager, config }: Installation): Promise<boolean> {
  const release = releaseDir(place, name)
  if (currentRelease(place) !== name || manager.define({ place, release, user })) return false
  const found = await awaitHealth(reachOf(config), readVersion(release), 0)
  if (found !== undefined) done('healthz', `${found} answers, and goes on`)
  return found !== undefined
}

/** What was said to the installer counts from now on, unless the file says otherwise. Tells whether it is new. */
function keepVariables({ envFile, installDir, dataDir }: Place, environment: NodeJS.ProcessEnv): boolean {
  const added = Object.values(OPTIONS).map(({ variable }) => {
    const value = environment[variable]
    const isUsual = variable === OPTIONS.dataDir.variable && dataDir === join(installDir, 'data')
    return value && !isUsual ? addVariable(envFile, variable, value) : false
  })
  return added.includes(true)
}

function takeAside({ place, manager }: Installation): Kept {
  manager.stop()
  const kept = setAside(place, manager, new Date())
  done('python', `the Python original was stopped and lies in ${kept.directory}`)
  return kept
}

async function adopt(kept: Kept, { place, config }: Installation): Promise<void> {
  if (!existsSync(join(kept.dataDir, 'conversations'))) return done('python', 'it had no conversations')
  await importDirectory(kept.dataDir, config)
  const folders = await foldersOf(kept)
  // It loaded the settings of every folder; those that it worked in go on as they did.
  if (folders.length > 0 && addVariable(place.envFile, OPTIONS.trustedRoots.variable, folders.join(',')))
    done('python', `its folders are trusted, in ${place.envFile}: ${folders.join(', ')}`)
}

function restore(kept: Kept, { place, manager }: Installation): void {
  manager.stop()
  const away = putBack(place, kept)
  done('python', `the Python original is back${away === undefined ? '' : `; what was kept since lies in ${away}`}`)
  manager.restart()
}

/** The command keeps what was said of the place: nobody has to say it again. */
function writeCommand(place: Place): void {
  const { installDir, envFile, logDir, command, supervisordConf } = place
  if (existsSync(command) && !isOurs(command)) return done('service', `${command} is another program, and stays`)
  mkdirSync(dirname(command), { recursive: true })
  const kept = { ENV_FILE: envFile, LOG_DIR: logDir, BIN_DIR: dirname(command), SUPERVISORD_CONF: supervisordConf }
  const said = Object.entries(kept).map(([name, value]) => `export ${name}="\${${name}:-${value}}"\n`)
  const text = `#!/bin/sh\n${said.join('')}exec ${installDir}/current/scripts/run_proxy_service.sh "$@"\n`
  writeFileSync(command, text, { mode: 0o755 })
}

function isOurs(file: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8').includes('run_proxy_service.sh')
}
