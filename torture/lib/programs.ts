import { join } from 'node:path'
import { type Program, startProgram } from './program.ts'

const SWAP = new URL('swap-agent.ts', import.meta.url).href

/** The service with an agent that speaks the protocol badly (bad-agent.ts). `imports`: what else is loaded into it. */
export function startWithBadAgent(
  scratch: string,
  { imports = [], env = {} }: { imports?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<Program> {
  const loaded = [SWAP, ...imports].map((each) => ` --import=${each}`).join('')
  return startProgram({
    dataDir: join(scratch, 'data'),
    agent: 'claude',
    flags: ['--max-processes', '8'],
    env: {
      ANTHROPIC_API_KEY: 'dummy',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      NODE_OPTIONS: `--no-warnings${loaded}`,
      ...env,
    },
  })
}
