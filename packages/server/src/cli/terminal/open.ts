import { spawn } from 'node:child_process'
import { ConfigError } from '../../config.ts'
import { EXIT, type TerminalCall } from './table.ts'

/** `claude-proxy open`: the address, and a browser at it where there is one. */
export async function open({ said, client, address }: TerminalCall): Promise<number> {
  if (address.shown.startsWith('unix:'))
    throw new ConfigError('No browser goes through a socket. --url says where else the service answers.')
  await client.health()
  process.stdout.write(`${address.baseUrl}/\n`)
  if (process.stdout.isTTY) launch(`${address.baseUrl}/`)
  if (said.text('host') === undefined) return EXIT.ok
  process.stderr.write('The tunnel stays open until Ctrl-C.\n')
  await new Promise((resolve) => {
    process.once('SIGINT', resolve)
    // A signal handler alone keeps no process alive.
    const timer = setInterval(() => {}, 1 << 30)
    process.once('SIGINT', () => clearInterval(timer))
  })
  return EXIT.ok
}

function launch(url: string): void {
  const program = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open'
  // Where there is none, the address that was written is the answer.
  spawn(program, [url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}
