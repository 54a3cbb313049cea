import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from './until.ts'

/** Processes that work in a folder or below it: agents and whatever they began, whoever is their parent by now. */
export function processesIn(folder: string): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const cwd = readlinkSync(`/proc/${name}/cwd`)
      if (cwd !== folder && !cwd.startsWith(`${folder}/`)) return []
      const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim()
      return [{ pid: Number(name), command }]
    } catch {
      // Gone while we looked.
      return []
    }
  })
}

/** Waits until nobody works in the folder any more. Ends who is left all the same: tests leave nothing behind, either. */
export async function checkNobodyIn(folder: string, when: string, atMostMs = 12_000): Promise<void> {
  try {
    await until('gone', () => processesIn(folder).length === 0, atMostMs, 100)
  } catch (cause) {
    const left = processesIn(folder)
    for (const { pid } of left) process.kill(pid, 'SIGKILL')
    throw new Error(`${when}: ${left.length} processes are left: ${left.map(({ command }) => command).join('; ')}`, {
      cause,
    })
  }
}
