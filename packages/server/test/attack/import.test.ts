import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importOriginal } from '../../src/core/import/import.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { newWorld, runToEnd } from '../e2e/program.ts'

/** A data directory of the original in which somebody has put more than data. */
async function hostile() {
  const world = await newWorld()
  const root = world.folder('original/conversations')
  const secret = join(world.folder('elsewhere'), 'secret')
  writeFileSync(secret, 'Geheim-4711')
  const meta = (id: string) => JSON.stringify({ conversation_id: id, cwd: world.folder('work') })
  const conversation = (id: string) => {
    const path = join(root, id)
    mkdirSync(path)
    writeFileSync(join(path, 'meta.json'), meta(id))
    return path
  }
  symlinkSync(secret, join(conversation('events-link'), 'events.ndjson'))
  symlinkSync('/dev/zero', join(conversation('device'), 'events.ndjson'))
  execFileSync('mkfifo', [join(conversation('pipe'), 'events.ndjson')])
  mkdirSync(join(conversation('folder'), 'events.ndjson'))
  mkdirSync(join(root, 'meta-link'))
  writeFileSync(join(world.folder('elsewhere'), 'meta.json'), meta('stolen'))
  symlinkSync(join(world.folder('elsewhere'), 'meta.json'), join(root, 'meta-link/meta.json'))
  symlinkSync(world.folder('elsewhere'), join(root, 'folder-link'))
  writeFileSync(join(root, '..', 'conversations', 'a file'), '')
  mkdirSync(join(root, 'bad-id'))
  writeFileSync(join(root, 'bad-id/meta.json'), meta('../../etc'))
  mkdirSync(join(root, '\u001b[2Jclear\nimported  fake: 1 events'))
  conversation('fine')
  return { world, directory: world.folder('original') }
}

test('links, devices, pipes and names that lead elsewhere are passed over, and the rest is taken in', async () => {
  const { directory } = await hostile()
  const store = createMemoryStore()
  const reports = await Array.fromAsync(importOriginal(directory, { store, clock: { now: Date.now } }))
  const imported = reports.filter(({ outcome }) => outcome === 'imported')
  expect(imported.map(({ id }) => id)).toEqual(['fine'])
  expect(reports.length).toBe(10)
  expect(JSON.stringify(reports)).not.toContain('Geheim')
  for (const id of ['events-link', 'stolen']) expect(await store.resolve(id as never)).toBeUndefined()
})

test('names on the disk tell the terminal nothing', async () => {
  const { world, directory } = await hostile()
  const { code, stdout } = await runToEnd(world, ['import', directory, '--data-dir', world.dataDir])
  expect(code).toBe(0)
  expect(stdout).not.toContain('\u001b')
  expect(stdout.split('\n').filter((line) => line.startsWith('imported '))).toHaveLength(1)
  const { stdout: trail } = await runToEnd(world, ['audit', '--data-dir', world.dataDir])
  expect(trail).toMatch(/^\S+ {2}operator \(\S+ claude-proxy\) {2}import {2}fine \d+ events\n$/)
})
