import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../packages/server/src/main.js', import.meta.url))

export interface ImportOptions {
  readonly dataDir: string
  readonly original: string
  readonly home: string
  /** kill -9 as soon as so many conversations were reported, or so many ms after the start. */
  readonly kill?: { readonly reports: number } | { readonly ms: number }
  readonly through?: readonly string[]
}

export interface Imported {
  /** The conversations that it said are in. */
  readonly reported: readonly string[]
  readonly wasKilled: boolean
}

/** Runs `claude-proxy import` to its end, or to its death. Rejects when it fails by itself. */
export async function runImport({ dataDir, original, home, kill, through = [] }: ImportOptions): Promise<Imported> {
  const args = [MAIN, 'import', original, '--data-dir', dataDir]
  const [command = '', ...rest] = [...through, process.execPath, ...args]
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const end = () => void child.kill('SIGKILL')
  const timer = kill && 'ms' in kill ? setTimeout(end, kill.ms) : undefined
  const reported: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const id = /^(?:imported|known) +(\S+):/.exec(line)?.[1]
    if (id === undefined) return
    reported.push(id)
    if (kill && 'reports' in kill && reported.length === kill.reports) end()
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code, signal] = await once(child, 'close')
  clearTimeout(timer)
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the import failed (${code ?? signal}): ${stderr}`)
  return { reported, wasKilled: signal === 'SIGKILL' }
}
