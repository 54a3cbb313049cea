import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { ConfigError } from '../../config.ts'
import { type Address, atUrl } from './address.ts'
import type { Said } from './options.ts'
import { Unreachable } from './unreachable.ts'

export interface Tunnel extends AsyncDisposable {
  readonly address: Address
}

const OPEN_MS = 120_000
const AGAIN_MS = 2000

/**
 * A tunnel to the service on another machine, by this machine's own ssh with its configuration and its keys. ssh may ask
 * for a password first. When its connection breaks, it is opened again, as far as that needs nobody to be asked.
 */
export async function openTunnel(said: Said): Promise<Tunnel> {
  const host = said.text('host') ?? ''
  // ssh would take it for an option, and some of those run commands.
  if (host.startsWith('-') || !/^[\w.@:[\]%-]+$/.test(host)) throw new ConfigError(`${host} is no name of a machine.`)
  const port = await freePort()
  const forward = `127.0.0.1:${port}:${targetOf(said)}`
  let ssh = startSsh(host, forward, true)
  let isOver = false
  const kill = () => void ssh.kill('SIGTERM')
  // It does not end by itself: Ctrl-C is for the run.
  const onInterrupt = () => {
    kill()
    process.exit(130)
  }
  process.once('exit', kill)
  process.once('SIGINT', onInterrupt)
  try {
    await opened(ssh, host, port)
  } catch (error) {
    process.off('exit', kill)
    await end()
    throw error
  } finally {
    process.off('SIGINT', onInterrupt)
  }
  void keep()

  return {
    address: { ...atUrl(`http://127.0.0.1:${port}`), shown: `${targetOf(said)} on ${host}` },
    async [Symbol.asyncDispose]() {
      isOver = true
      process.off('exit', kill)
      await end()
    },
  }

  async function keep(): Promise<void> {
    for (;;) {
      await ended(ssh)
      if (isOver) return
      await wait(AGAIN_MS, undefined, { ref: false })
      if (isOver) return
      ssh = startSsh(host, forward, false)
    }
  }

  async function end(): Promise<void> {
    kill()
    await ended(ssh)
  }
}

/** What the service listens to over there, as ssh takes it. */
function targetOf(said: Said): string {
  const [url, socket] = [said.text('url'), said.text('socket')]
  if (url !== undefined && socket !== undefined) throw new ConfigError('Give --url or --socket, not both.')
  if (socket !== undefined) {
    if (!/^\/[^:]*$/.test(socket)) throw new ConfigError('With --host, --socket is a whole path without a colon.')
    return socket
  }
  const there = new URL(atUrl(url ?? 'http://127.0.0.1:8787').baseUrl)
  if (there.protocol !== 'http:' || there.pathname !== '/')
    throw new ConfigError('With --host, --url is where the service is over there, such as http://127.0.0.1:9000.')
  return `${there.hostname}:${there.port || 80}`
}

/**
 * It stays with our terminal, so that it can ask there, and does not hear Ctrl-C, which is for the run. Without
 * a person it fails rather than ask.
 */
function startSsh(host: string, forward: string, isAttended: boolean): ChildProcess {
  const options = ['ExitOnForwardFailure=yes', 'ServerAliveInterval=15', `BatchMode=${isAttended ? 'no' : 'yes'}`]
  const args = ['-N', ...options.flatMap((each) => ['-o', each]), '-L', forward, '--', host]
  const stdio = ['ignore', 'ignore', isAttended ? 'inherit' : 'ignore'] as const
  // What ignores a signal hands that on to what it becomes, and ssh keeps to it.
  const [program, before] =
    process.platform === 'win32' ? ['ssh', []] : ['sh', ['-c', `trap '' INT; exec ssh "$@"`, 'ssh']]
  const ssh = spawn(program, [...before, ...args], { stdio: [...stdio] })
  // Also told where it was waited for; one that is opened again is tried once more.
  return ssh.on('error', () => {})
}

async function ended(ssh: ChildProcess): Promise<void> {
  if (ssh.pid === undefined || ssh.exitCode !== null || ssh.signalCode !== null) return
  await once(ssh, 'exit')
}

/** Waits until the tunnel is there. */
async function opened(ssh: ChildProcess, host: string, port: number): Promise<void> {
  const over = new AbortController()
  const failure = new Promise<never>((_, reject) => {
    ssh.once('error', (cause) => reject(new Unreachable(`ssh cannot be started: ${cause.message}`, { cause })))
    ssh.once('exit', (code) => reject(new Unreachable(`ssh to ${host} has ended (${code}). Does ssh ${host} work?`)))
  })
  // When the tunnel is there, nobody waits for this any more.
  failure.catch(() => {})
  try {
    await Promise.race([failure, accepts(port, over.signal)])
  } finally {
    over.abort()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** Resolves when somebody listens there. */
async function accepts(port: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + OPEN_MS
  while (Date.now() < deadline && !signal.aborted) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      await wait(50)
    } finally {
      socket.destroy()
    }
  }
  throw new Unreachable('ssh did not open its tunnel in time.')
}
