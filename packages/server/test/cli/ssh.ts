import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestService } from '../support/service.ts'
import { environmentAt } from './command.ts'

/** What the last tunnel that was opened is, and was asked for. */
interface Seen {
  readonly args: readonly string[]
  readonly pid: number
  /** What the tunnel was to lead to. */
  readonly target: string
  /** The signals that it ignores. */
  readonly ignored: string
}

/** A program `ssh` that does on loopback what `ssh -N -L` does: the service stands in for the one over there. */
export function standIn(service: TestService, { password = '' } = {}) {
  const bin = service.folder('bin')
  const log = join(bin, 'log')
  const forward = join(bin, 'forward.cjs')
  writeFileSync(
    forward,
    `const { connect, createServer } = require('node:net')
const { appendFileSync } = require('node:fs')
const [far, log, ignored, ...args] = process.argv.slice(2)
const [, local, ...target] = args[args.indexOf('-L') + 1].split(':')
// Node forgets what it was to ignore.
if (ignored.includes('SIGINT')) process.on('SIGINT', () => {})
const server = createServer((near) => {
  const there = connect(Number(far), '127.0.0.1')
  near.pipe(there).pipe(near)
  for (const each of [near, there]) each.on('error', () => {})
})
server.listen(Number(local), '127.0.0.1', () => {
  appendFileSync(log, JSON.stringify({ args, pid: process.pid, target: target.join(':'), ignored }) + '\\n')
})
`,
  )
  // As ssh does: at the terminal, whatever its input is, and without showing what is typed.
  const asks = `for word; do host=$word; done
printf "%s's password: " "$host" >/dev/tty
stty -echo </dev/tty; IFS= read -r said </dev/tty; stty echo </dev/tty; echo >/dev/tty
[ "$said" = '${password}' ] || { echo 'Permission denied' >&2; exit 255; }
`
  const run = `exec '${process.execPath}' '${forward}' ${new URL(service.base).port} '${log}' "$(trap -p INT)" "$@"\n`
  writeFileSync(join(bin, 'ssh'), `#!/bin/bash\n${password === '' ? '' : asks}${run}`)
  chmodSync(join(bin, 'ssh'), 0o755)
  return {
    log,
    environment: { PATH: `${bin}:${environmentAt(service)['PATH']}`, CLAUDE_PROXY_URL: '' },
    seen(): Seen {
      const [last = '{}'] = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-1) : []
      return JSON.parse(last) as Seen
    },
  }
}
