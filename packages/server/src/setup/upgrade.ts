import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { readVersion } from '../version.ts'
import { activate, previousRelease } from './activate.ts'
import { workAlone } from './alone.ts'
import { run } from './command.ts'
import { awaitIdle } from './idle.ts'
import { openInstallation } from './install.ts'
import { currentRelease, type Place, RELEASE, releaseDir, requireRoot } from './place.ts'
import { isNewer, type Release, takeRelease } from './release.ts'
import { done, SetupError } from './step.ts'

/**
 * Takes the service to the release that `source` holds, or to the newest of where releases come from, once no run is
 * active. Until then nothing that runs is touched; what does not answer afterwards is taken back.
 */
export async function upgrade(
  source: string | undefined,
  config: Config,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  requireRoot()
  const installation = openInstallation(config, environment)
  const { place } = installation
  using _ = workAlone(place)
  const release = await takeRelease(source ?? whereReleasesAre(config), readKey())
  const running = currentRelease(place) ?? readVersion()
  // Whoever names one may have an older one: a copy of it that was kept, not what a server says is the newest.
  if (source === undefined && !isNewer(release.version, running)) {
    done('upgrade', `${running} runs; there is nothing newer than ${release.version}`)
    return
  }
  unpack(release, place)
  const directory = releaseDir(place, release.version)
  run('upgrade', join(directory, 'deploy/prepare.sh'), [directory, RELEASE])
  done('upgrade', `${release.version} lies ready`)
  await untilIdle(installation.config)
  await activate(release.version, installation)
  done('complete', `${release.version} runs; \`claude-proxy rollback\` goes back to ${running}`)
}

/** Goes back to the release that ran before, at once. */
export async function rollback(config: Config, environment: NodeJS.ProcessEnv): Promise<void> {
  requireRoot()
  const installation = openInstallation(config, environment)
  using _ = workAlone(installation.place)
  const name = previousRelease(installation.place)
  if (name === undefined) throw new SetupError('upgrade', 'No other release is here to go back to.')
  await activate(name, installation)
  done('complete', `${name} runs`)
}

function whereReleasesAre({ releases }: Config): string {
  if (releases !== '') return releases
  throw new SetupError(
    'upgrade',
    'Say where releases are: claude-proxy upgrade URL, or --releases. Running install.sh again takes the newest code.',
  )
}

/** The key that this release trusts. A new one comes with a release that the old one signed. */
function readKey(): string {
  const file = join(RELEASE, 'deploy/release-key.pem')
  if (!existsSync(file)) throw new SetupError('upgrade', 'This release was made without a key to check others with.')
  return readFileSync(file, 'utf8')
}

function unpack({ version, archive }: Release, place: Place): void {
  const directory = releaseDir(place, version)
  if (existsSync(directory)) return
  const part = `${directory}.part`
  rmSync(part, { recursive: true, force: true })
  mkdirSync(part)
  const { status, stderr } = spawnSync('tar', ['-xzf', '-', '-C', part, '--strip-components=1', '--no-same-owner'], {
    input: archive,
    encoding: 'utf8',
  })
  if (status !== 0) throw new SetupError('upgrade', `The release cannot be unpacked: ${stderr}`)
  writeFileSync(join(part, 'RELEASE'), `${version}\n`)
  renameSync(part, directory)
}

async function untilIdle(config: Config): Promise<void> {
  const { upgradeWaitSeconds: seconds, upgradeInterrupts } = config
  if ((await awaitIdle(config, seconds * 1000)) || upgradeInterrupts) return
  throw new SetupError(
    'upgrade',
    `Runs were active for ${seconds} seconds, and nothing was changed. Try later, or with --upgrade-interrupts yes.`,
  )
}
