import { Claimed, claim } from '../store/sqlite/lock.ts'
import type { Place } from './place.ts'
import { SetupError } from './step.ts'

/** What the claim lies in, beside the releases. */
const NAME = '.setup'
export const CLAIM_FILES: readonly string[] = [`${NAME}.db`, `${NAME}.pid`]

/** Keeps others from changing the installation until it is disposed, however this process ends. */
export function workAlone({ installDir }: Place): Disposable {
  try {
    return claim(installDir, NAME)
  } catch (cause) {
    if (!(cause instanceof Claimed)) throw cause
    const who = cause.pid === undefined ? 'Another process' : `Process ${cause.pid}`
    const message = `${who} installs or upgrades here just now, and nothing was changed. Try again when it is through.`
    throw new SetupError('upgrade', message, { cause })
  }
}
