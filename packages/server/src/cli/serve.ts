import { isatty } from 'node:tty'
import type { Config } from '../config.ts'
import type { LogFile } from '../log/file.ts'
import { createLog } from '../log.ts'
import { startService } from '../service.ts'

/** How long the end may take before it is forced. */
const STOP_MS = 9500

/** `claude-proxy`: runs the service until a signal ends it. */
export async function serve(config: Config, environment: NodeJS.ProcessEnv, environmentFile?: string): Promise<void> {
  const file = config.logFile === '' ? undefined : await openFile(config)
  const log = createLog(config.logLevel, {
    write: file?.write,
    environment,
    secrets: [config.token],
  })
  // Listened for from the first moment: whoever sees that we answer may already ask us to stop.
  const asked = firstSignal()
  let reload: (() => void) | undefined
  if (!isAtTerminal)
    process.on('SIGHUP', () => {
      file?.reopen()
      reload?.()
      log.info('read again what may change: the log file and the certificate')
    })
  const service = await startService(config, environment, log, undefined, environmentFile)
  reload = () => service.reload()
  process.stdout.write(
    `claude-proxy ${service.version} listening on ${[service.url, ...service.others].join(' and ')}, data in ${config.dataDir}\n`,
  )
  if (service.unready !== undefined) process.stdout.write(`${service.unready}\n`)
  log.info('started', { url: service.url, others: service.others, version: service.version, agent: config.agent })

  const signal = await asked
  log.info('stopping', { signal })
  // A second signal, or too long a wait, ends the process at once; the next start puts in order what is left.
  const force = () => die(signal)
  process.on('SIGTERM', force)
  process.on('SIGINT', force)
  const deadline = setTimeout(() => {
    log.error('stopping took too long')
    force()
  }, STOP_MS)
  await service.stop()
  clearTimeout(deadline)
  log.info('stopped')
  process.exit(0)
}

/** Before anything else: whoever names a file that cannot be written shall hear it before the service runs. */
async function openFile({ logFile, logMegabytes, logFiles }: Config): Promise<LogFile> {
  const { openLogFile } = await import('../log/file.ts')
  return openLogFile(logFile, { maxBytes: logMegabytes * 1024 ** 2, files: logFiles })
}

/** There SIGHUP says that the terminal is gone; elsewhere, that something is to be read again. */
const isAtTerminal = isatty(0)

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const all: NodeJS.Signals[] = isAtTerminal ? ['SIGTERM', 'SIGINT', 'SIGHUP'] : ['SIGTERM', 'SIGINT']
    for (const signal of all) process.once(signal, resolve)
  })
}

/** Ends by the signal itself, so that the parent sees the truth. */
function die(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}
