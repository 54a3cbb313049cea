import { chmodSync, globSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newWorld, runToEnd, startProgram } from '../e2e/program.ts'
import { uploaded } from '../http/calls.ts'
import { streamAll } from '../support/client.ts'

test('all that the service keeps is its owner’s alone, also after runs in strange and in trusted folders', async () => {
  const world = await newWorld({ model: true })
  const trusted = world.folder('trusted')
  const old = process.umask(0)
  const program = await startProgram(world, ['--trusted-roots', trusted]).finally(() => process.umask(old))
  for (const cwd of [world.folder('strange'), trusted])
    await streamAll(program.base, { conversation_id: `in-${cwd.split('/').at(-1)}`, cwd, text: 'hello' })
  const upload = await uploaded(program, 'hello')
  expect(modeOf(world.dataDir)).toBe('700')
  const kept = globSync('**/*', { cwd: world.dataDir, withFileTypes: true })
  expect(kept.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['claude-proxy.db', 'no-settings', 'settings', 'attachments', upload]),
  )
  for (const entry of kept) {
    const path = join(entry.parentPath, entry.name)
    expect([path, modeOf(path)]).toEqual([path, entry.isDirectory() ? '700' : '600'])
  }
})

test.each([0o755, 0o777, 0o1777, 0o705, 0o702, 0o770, 0o720])(
  'a data directory of mode %o is refused with a sentence that says what to do, and nothing is put into it',
  async (mode) => {
    const world = await newWorld()
    mkdirSync(world.dataDir)
    chmodSync(world.dataDir, mode)
    for (const command of [
      ['--port', '0', '--agent', 'scripted'],
      ['import', world.folder('original')],
    ]) {
      const { code, stderr } = await runToEnd(world, [...command, '--data-dir', world.dataDir])
      expect(stderr).toMatch(/^claude-proxy: [^\n]+\n$/)
      expect(stderr).toContain(`chmod 700 ${world.dataDir}`)
      expect(code).toBe(1)
    }
    expect(globSync('*', { cwd: world.dataDir })).toEqual([])
    chmodSync(world.dataDir, 0o700)
    await startProgram(world, ['--agent', 'scripted'])
  },
)

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8)
}
