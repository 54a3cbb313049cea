import type { Config } from '../config.ts'
import { rollback, upgrade } from '../setup/upgrade.ts'
import { asSteps } from './service.ts'

/** `claude-proxy upgrade [SOURCE]`. */
export function upgradeTo(source: string | undefined, config: Config): Promise<void> {
  return asSteps(() => upgrade(source, config, process.env))
}

/** `claude-proxy rollback`. */
export function goBack(config: Config): Promise<void> {
  return asSteps(() => rollback(config, process.env))
}
