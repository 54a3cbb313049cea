import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { syncPath } from '../../src/store/sqlite/data-dir.ts'
import { temporaryDir } from './temporary.ts'

const STORE = new URL('../../src/store/sqlite/store.ts', import.meta.url)
const OPEN = `
  const { openSqliteStore } = await import(${JSON.stringify(STORE)})
  const store = await openSqliteStore({ dataDir: process.argv[1], log: { info() {}, warn() {}, error() {} } })
  await store.close()`

const canTrace = !spawnSync('strace', ['-f', 'true']).error

it.skipIf(!canTrace)('a power cut does not take away a data directory that was just made, nor those above it', () => {
  const root = temporaryDir()
  const dataDir = join(root, 'a', 'b', 'data')
  const trace = join(root, 'trace')
  const args = ['-f', '-y', '-e', 'trace=mkdir,fsync', '-o', trace, process.execPath, '--input-type=module', '-e', OPEN]
  const { stderr } = spawnSync('strace', [...args, dataDir], { encoding: 'utf8' })
  expect(existsSync(join(dataDir, 'claude-proxy.db')), stderr).toBe(true)
  const calls = readFileSync(trace, 'utf8').split('\n')
  const last = calls.findLastIndex((call) => call.includes(`fsync(`) && call.includes('claude-proxy.db'))
  for (const [parent, made] of [
    [root, 'a'],
    [join(root, 'a'), 'b'],
    [join(root, 'a', 'b'), 'data'],
  ] as const) {
    const making = calls.findIndex((call) => call.includes(`mkdir("${join(parent, made)}"`) && call.endsWith('= 0'))
    const synced = calls.findIndex((call) => call.includes('fsync(') && call.includes(`<${parent}>`))
    expect({ making, synced, isInTime: making >= 0 && synced > making && synced < last }).toMatchObject({
      isInTime: true,
    })
  }
})

it.skipIf(process.platform !== 'linux')(
  'a file system that cannot sync its directories keeps nobody from starting',
  () => {
    // Nothing above it is on a disk, and fsync(2) says so.
    expect(() => syncPath('/proc/self/fd')).not.toThrow()
  },
)
