import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { NO_HOST } from '../../config.ts'
import { versionAt } from '../../setup/health.ts'
import { reachOf } from '../../setup/reach.ts'
import { error, type Finding, ok, type Patient, warning } from './finding.ts'

/** The port and the clock. */
export async function examineMachine(patient: Patient): Promise<Finding[]> {
  return Promise.all([examinePort(patient), examineClock()])
}

async function examinePort({ config, holder }: Patient): Promise<Finding> {
  const { host, port } = config
  if (host === NO_HOST) return ok('port', 'The service has a socket, and no port.')
  if (port === 0) return ok('port', 'The service takes a free port.')
  const place = `${host}:${port}`
  const why = await whyNotFree(host, port)
  if (why === undefined) return ok('port', `${place} is free.`)
  if (why !== 'EADDRINUSE')
    return error('port', `${place} cannot be listened on (${why}).`, 'Choose another --host or --port.')
  const version = await versionAt(reachOf(config)).catch(() => undefined)
  if (version !== undefined && holder) return ok('port', `claude-proxy ${version} answers on ${place}.`)
  if (version !== undefined)
    return error('port', `A claude-proxy with another data directory answers on ${place}.`, 'Choose another --port.')
  const who = await listenerOn(port)
  const remedy = 'Stop it, or choose another --port.'
  return error('port', `${who ?? 'Another process'} listens on ${place}.`, remedy)
}

function whyNotFree(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (problem: NodeJS.ErrnoException) => resolve(problem.code ?? problem.message))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
}

/** The process that listens on a port, where the system says (Linux, our own processes; proc_net(5)). */
async function listenerOn(port: number): Promise<string | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')))
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = tables.flatMap((table) => table.split('\n')).map((row) => row.trim().split(/\s+/))
  const LISTENS = '0A'
  const row = rows.find(([, local, , state]) => local?.endsWith(suffix) && state === LISTENS)
  const socket = `socket:[${row?.[9]}]`
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue
    const handles = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const links = await Promise.all(handles.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
    if (!links.includes(socket)) continue
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    return `Process ${pid} (${name.trim()})`
  }
  return undefined
}

/** How far the time of day and the time that passes may part while we look. */
const LOOK_MS = 200
const PARTS_MS = 50
/** Before this was made, it cannot be. */
const EARLIEST = 2026
const LATEST = 2100

async function examineClock(): Promise<Finding> {
  const year = new Date().getFullYear()
  const remedy = 'timedatectl set-ntp true'
  if (year < EARLIEST || year > LATEST) return error('clock', `The clock says that it is ${year}.`, remedy)
  const [wall, passed] = [Date.now(), performance.now()]
  await sleep(LOOK_MS)
  const parted = Math.abs(Date.now() - wall - (performance.now() - passed))
  if (parted > PARTS_MS)
    return warning('clock', `The clock jumped by ${Math.round(parted)} ms while it was looked at.`, remedy)
  const synced = await isSynced()
  if (synced === false) return warning('clock', 'The clock is not synchronized with a time server.', remedy)
  return ok('clock', synced ? 'The clock is synchronized.' : 'The clock runs; whether it is synchronized is not known.')
}

/** What systemd knows; undefined where there is none. */
async function isSynced(): Promise<boolean | undefined> {
  try {
    const args = ['show', '--property=NTPSynchronized', '--value']
    const { stdout } = await promisify(execFile)('timedatectl', args, { timeout: 3000 })
    return stdout.trim() === 'yes' ? true : stdout.trim() === 'no' ? false : undefined
  } catch {
    // Not there, or without systemd behind it.
    return undefined
  }
}
