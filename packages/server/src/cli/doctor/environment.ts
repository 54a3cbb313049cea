import { existsSync, realpathSync, statSync } from 'node:fs'
import { agentEnvironment } from '../../agents/claude/environment.ts'
import { error, type Finding, ok, type Patient, warning } from './finding.ts'

/** Of several, Claude Code takes one. */
const CREDENTIALS = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN']

/** Variables and files that change what agents do. Values are never shown: they may be secrets. */
export async function examineEnvironment(patient: Patient): Promise<Finding[]> {
  return [...examineFile(patient), ...examineRoots(patient), ...examineVariables(patient)]
}

function examineFile({ environmentFile: file }: Patient): Finding[] {
  if (file === undefined) return []
  if (!existsSync(file)) return [warning('environment', `${file} is not there.`, 'Check --environment.')]
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    return [warning('environment', `Others can read ${file}, and what secrets it holds.`, `chmod 600 ${file}`)]
  return [ok('environment', `${file} is its owner's alone.`)]
}

function examineRoots({ config }: Patient): Finding[] {
  return [...config.allowedRoots, ...config.trustedRoots].flatMap((root) => {
    try {
      realpathSync(root)
      return []
    } catch {
      return [
        error('roots', `The folder ${root} is not there.`, 'Make it, or change --allowed-roots or --trusted-roots.'),
      ]
    }
  })
}

function examineVariables({ config, environment }: Patient): Finding[] {
  const found: Finding[] = []
  const set = CREDENTIALS.filter((name) => environment[name])
  if (set.length > 1)
    found.push(warning('variables', `${set.join(' and ')} are set; only one of them is used.`, 'Unset the others.'))
  const { ANTHROPIC_BASE_URL: base } = environment
  if (base) {
    const host = URL.canParse(base) ? new URL(base).host : undefined
    if (host === undefined)
      found.push(error('variables', 'ANTHROPIC_BASE_URL is no address.', 'Correct it, or unset it.'))
    else found.push(ok('variables', `Agents send their requests to ${host}: ANTHROPIC_BASE_URL is set.`))
  }
  if (environment['CLAUDECODE'] || environment['CLAUDE_PROXY_AGENT_MARK'])
    found.push(warning('variables', 'This runs inside an agent of Claude Code.', 'Run it in a shell of your own.'))
  const passed = agentEnvironment(environment, config.agentEnv)
  const lost = Object.keys(environment).filter(
    (name) => /^(CLAUDE_|ANTHROPIC_)/.test(name) && !name.startsWith('CLAUDE_PROXY_') && !(name in passed),
  )
  if (lost.length > 0) {
    const names = lost.toSorted().join(', ')
    const remedy = `Unset what is not meant for agents; what is, name in --agent-env.`
    found.push(warning('variables', `Agents do not get these: ${names}.`, remedy))
  }
  return found.length > 0 ? found : [ok('variables', 'No variables change what agents do.')]
}
