import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findBinary, NO_BINARY } from '../../agents/claude/binary.ts'
import { agentEnvironment, hasCredentials, NO_CREDENTIALS } from '../../agents/claude/environment.ts'
import { readSdkVersion, readVersion } from '../../version.ts'
import { error, type Finding, ok, type Patient, reason, warning } from './finding.ts'

/** How long `claude --version` may take on a busy machine. */
const VERSION_MS = 30_000
/** How long the Messages API may take. */
const ONLINE_MS = 90_000
/** The Node that this is made for and tested with. */
const NODE_MAJOR = 26

/** Whether an agent can be started and log in, and which versions there are of everything. */
export async function examineAgent({ config, environment, isOnline }: Patient): Promise<Finding[]> {
  const variables = agentEnvironment(environment, config.agentEnv)
  const found = [examineNode(), ok('service', `claude-proxy ${readVersion()}, Agent SDK ${readSdkVersion()}.`)]
  const binary = await findBinary()
  if (binary === undefined) return [...found, error('agent', NO_BINARY, 'npm ci')]
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { env: { ...variables }, timeout: VERSION_MS })
    found.push(ok('agent', `Claude Code ${stdout.trim()} can be started.`))
  } catch (cause) {
    return [...found, error('agent', `Claude Code cannot be started: ${reason(cause)}`, 'npm ci')]
  }
  if (!(await hasCredentials(variables, process.platform)))
    return [...found, error('login', NO_CREDENTIALS, 'Set one of them where the service gets its variables.')]
  if (!isOnline) return [...found, ok('login', 'There is something to log in with; --online tries whether it works.')]
  return [...found, await examineLogin(variables)]
}

function examineNode(): Finding {
  const { node } = process.versions
  if (Number.parseInt(node, 10) === NODE_MAJOR) return ok('node', `Node ${node}.`)
  return warning(
    'node',
    `This is Node ${node}; the service is tested with Node ${NODE_MAJOR}.`,
    'npx node@26, or npm ci',
  )
}

async function examineLogin(variables: ReturnType<typeof agentEnvironment>): Promise<Finding> {
  const { tryLogin } = await import('../../agents/claude/login.ts')
  const from = performance.now()
  const { isError, said } = await tryLogin(variables, AbortSignal.timeout(ONLINE_MS))
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  return isError
    ? error('login', `The Messages API refused, or was not reached: ${said}`, 'Check the credentials and the network.')
    : ok('login', `An agent logged in and got an answer, in ${seconds} s.`)
}
