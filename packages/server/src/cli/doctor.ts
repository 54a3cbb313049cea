import type { Config } from '../config.ts'
import { lockHolder } from '../store/sqlite/lock.ts'
import { examineAgent } from './doctor/agent.ts'
import { examineData } from './doctor/data.ts'
import { examineDoors } from './doctor/doors.ts'
import { examineEnvironment } from './doctor/environment.ts'
import { error, type Finding, type Patient, reason } from './doctor/finding.ts'
import { examineMachine } from './doctor/machine.ts'
import { printable } from './printable.ts'

export interface DoctorCall {
  readonly config: Config
  readonly environment: NodeJS.ProcessEnv
  readonly environmentFile: string | undefined
  /** `json`, `online`, `thorough`, where they were given. */
  readonly given: Readonly<Record<string, string>>
}

/**
 * `claude-proxy doctor`: looks at everything that the service needs, whether or not it runs, and changes nothing. The exit
 * code is 1 when something is wrong that keeps it from working.
 */
export async function doctor({ config, environment, environmentFile, given }: DoctorCall): Promise<void> {
  const holder = config.store === 'sqlite' ? lockHolder(config.dataDir) : undefined
  const isOnline = given['online'] !== undefined
  const patient: Patient = {
    config,
    // As it was: the SDK, once loaded, sets a variable of its own.
    environment: { ...environment },
    environmentFile,
    holder,
    isOnline,
    isThorough: given['thorough'] !== undefined,
  }
  const findings = await examine(patient)
  process.stdout.write(given['json'] !== undefined ? `${JSON.stringify({ findings }, undefined, 2)}\n` : told(findings))
  if (findings.some(({ status }) => status === 'error')) process.exitCode = 1
}

const EXAMINATIONS = {
  agent: examineAgent,
  data: examineData,
  machine: examineMachine,
  doors: examineDoors,
  environment: examineEnvironment,
}

/** Whatever one examination runs into, the others go on. One after the other: some of them measure. */
async function examine(patient: Patient): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [name, look] of Object.entries(EXAMINATIONS)) {
    try {
      findings.push(...(await look(patient)))
    } catch (cause) {
      findings.push(error(name, `This could not be looked at: ${reason(cause)}`, 'See what the sentence names.'))
    }
  }
  return findings
}

function told(findings: readonly Finding[]): string {
  const lines = findings.map(({ check, status, message, remedy }) => {
    const line = `${status.padEnd(8)} ${check.padEnd(12)} ${printable(message)}\n`
    return remedy === undefined ? line : `${line}${' '.repeat(22)}→ ${printable(remedy)}\n`
  })
  const counted = (status: Finding['status']) => {
    const count = findings.filter((each) => each.status === status).length
    return `${count} ${status}${count === 1 ? '' : 's'}`
  }
  return `${lines.join('')}${counted('error')}, ${counted('warning')}\n`
}
