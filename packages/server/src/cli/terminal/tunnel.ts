import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { ConfigError } from '../../config.ts'
import { Unreachable } from './service.ts'

export interface Tunnel extends AsyncDisposable {
  readonly url: string
}

const OPEN_MS = 120_000

/** A tunnel to the service on another machine, by this machine's own ssh with its configuration and its keys. */
export async function openTunnel(host: string): Promise<Tunnel> {
  // ssh would take it for an option, and some of those run commands.
  if (host.startsWith('-') || !/^[\w.@:[\]%-]+$/.test(host)) throw new ConfigError(`${host} is no name of a machine.`)
  const port = await freePort()
  const forward = `127.0.0.1:${port}:127.0.0.1:8787`
  const options = ['-N', '-o', 'ExitOnForwardFailure=yes', '-o', 'BatchMode=no', '-L', forward, '--', host]
  // In a session of its own Ctrl-C does not end it before the command. So it has no terminal: it asks by SSH_ASKPASS only.
  const ssh = spawn('ssh', options, { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
  const failure = new Promise<never>((_, reject) => {
    ssh.once('error', (cause) => reject(new Unreachable(`ssh cannot be started: ${cause.message}`, { cause })))
    ssh.once('exit', (code) => reject(new Unreachable(`ssh to ${host} has ended (${code}). Does ssh ${host} work?`)))
  })
  const end = async () => {
    if (ssh.exitCode !== null || ssh.signalCode !== null || ssh.pid === undefined) return
    ssh.kill('SIGTERM')
    await once(ssh, 'exit')
  }
  // A command that is over does not wait for its tunnel to break.
  failure.catch(() => {})
  const ends = () => void ssh.kill('SIGTERM')
  process.once('exit', ends)
  const over = new AbortController()
  try {
    await Promise.race([failure, accepts(port, over.signal)])
  } catch (error) {
    await end()
    throw error
  } finally {
    over.abort()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      process.off('exit', ends)
      await end()
    },
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
