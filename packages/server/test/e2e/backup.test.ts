import { cpSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { atRest, history, made, send, show } from '../http/conversation-calls.ts'
import { newWorld, PATIENCE, type Program, runToEnd, startProgram, startToKill, type World } from './program.ts'

const SCRIPTED = ['--agent', 'scripted']
const TEXT = Buffer.from('What is written here is kept.\n')

const at = (program: Program, world: World) => ({ base: program.base, folder: () => world.folder(crypto.randomUUID()) })
const command = (world: World, dataDir: string, ...args: string[]) => runToEnd(world, [...args, '--data-dir', dataDir])

/** Runs a command that has to go well; what it says. */
async function done(world: World, dataDir: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(world, dataDir, ...args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

async function stop(program: Program): Promise<void> {
  program.signal('SIGTERM')
  await program.exit
}

/** A conversation with some events and an attachment. */
async function talk(service: ReturnType<typeof at>): Promise<{ id: string; upload: string }> {
  const id = await made(service)
  const attachments = [{ name: 'a.txt', data: TEXT.toString('base64') }]
  await send(service, id, '@load n=200 rate=0 size=300', { attachments })
  await atRest(service, id)
  const [first] = await history(service, id)
  const [attachment] = (first?.event['attachments'] ?? []) as { attachment_id: string }[]
  return { id, upload: attachment?.attachment_id ?? '' }
}

test('a backup that is made under load holds, restored elsewhere, each conversation as it was at one moment', async () => {
  const world = await newWorld()
  const program = await startProgram(world, SCRIPTED)
  const service = at(program, world)
  const { id: quiet, upload } = await talk(service)
  const busy = await Promise.all([1, 2, 3].map(() => made(service)))
  for (const id of busy) await send(service, id, '@load n=100000 rate=200 size=500')
  const [first = ''] = busy
  await send(service, first, 'wait', { when_busy: 'queue' })
  const heads = async () =>
    Promise.all(busy.map(async (id) => Number((await call(`${program.base}/v1/conversations/${id}`)).json?.['head'])))
  await expect.poll(async () => Math.min(...(await heads())), PATIENCE).toBeGreaterThan(50)
  const before = await heads()
  const file = join(world.folder('backups'), 'one.backup')
  expect(await done(world, world.dataDir, 'backup', file)).toMatch(/4 conversations, 1 attachments, .* checked/)
  const after = await heads()
  // Nothing stood still for it.
  for (const [n, head] of after.entries()) expect(head).toBeGreaterThan(before[n] ?? 0)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(dirname(file))).toEqual(['one.backup'])
  expect(await done(world, world.dataDir, 'integrity')).toMatch(/all is well/)

  const elsewhere = join(dirname(world.dataDir), 'elsewhere')
  await done(world, elsewhere, 'restore', file)
  expect(await done(world, elsewhere, 'integrity')).toMatch(/all is well/)
  const restored = await startProgram({ ...world, dataDir: elsewhere }, SCRIPTED)
  const copy = at(restored, world)
  expect((await history(copy, quiet)).map(({ data }) => data)).toEqual(
    (await history(service, quiet)).map(({ data }) => data),
  )
  const kept = await fetch(`${restored.base}/v1/uploads/${upload}`)
  expect(Buffer.from(await kept.arrayBuffer())).toEqual(TEXT)
  for (const [n, id] of busy.entries()) {
    await atRest(copy, id)
    const events = await history(copy, id)
    const cut = events.findIndex(({ event }) => event.type === 'result')
    const isOwn = (index: number) => events[index]?.event.subtype === 'prompt_cancelled'
    const own = events.findIndex((_, index) => isOwn(index))
    const end = own < 0 ? cut : Math.min(cut, own)
    expect(end).toBeGreaterThanOrEqual(before[n] ?? 0)
    expect(end).toBeLessThanOrEqual(after[n] ?? 0)
    const original = await history(service, id)
    expect(events.slice(0, end).map(({ data }) => data)).toEqual(original.slice(0, end).map(({ data }) => data))
    // What it was at goes on where it was made, and not a second time here.
    expect(events[cut]?.event.subtype).toBe('service_stopped')
    expect((await show(copy, id)).runs).toBe(1)
  }
  expect((await history(copy, first)).some(({ event }) => event.subtype === 'prompt_cancelled')).toBe(true)
  for (const id of busy)
    await call(`${program.base}/v1/conversations/${id}/interrupt`, { method: 'POST', body: { scope: 'all' } })
}, 120_000)

test('a restore takes no data away: it is refused where there is some, or moves it aside', async () => {
  const world = await newWorld()
  const program = await startProgram(world, SCRIPTED)
  const old = await talk(at(program, world))
  const file = join(world.folder('backups'), 'b')
  await done(world, world.dataDir, 'backup', file)
  const again = await command(world, world.dataDir, 'backup', file)
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/is there already/)])
  const newer = await talk(at(program, world))
  const taken = await command(world, world.dataDir, 'restore', file, '--aside')
  expect([taken.code, taken.stderr]).toEqual([1, expect.stringMatching(/is using the data directory/)])
  await stop(program)
  const inUse = await command(world, world.dataDir, 'restore', file)
  expect([inUse.code, inUse.stderr]).toEqual([1, expect.stringMatching(/There is data in .*--aside/)])
  const said = await done(world, world.dataDir, 'restore', file, '--aside')
  const aside = /is in (.*) now/.exec(said)?.[1] ?? ''
  const restored = await startProgram(world, SCRIPTED)
  expect((await call(`${restored.base}/v1/conversations/${old.id}`)).status).toBe(200)
  expect((await call(`${restored.base}/v1/conversations/${newer.id}`)).status).toBe(404)
  const trail = await done(world, world.dataDir, 'audit', '--json')
  const commands = trail.split('\n').filter((line) => line.includes('"agent":"claude-proxy"'))
  expect(commands.map((line) => JSON.parse(line))).toMatchObject([{ who: 'operator', action: 'restore', detail: file }])
  expect(await done(world, aside, 'audit')).toMatch(/operator \(.*\) {2}backup {2}\S+\/b\n/)
  const kept = await startProgram({ ...world, dataDir: aside }, SCRIPTED)
  expect((await call(`${kept.base}/v1/conversations/${newer.id}`)).status).toBe(200)
  expect((await fetch(`${kept.base}/v1/uploads/${newer.upload}`)).status).toBe(200)
}, 120_000)

test('a file that is no backup, or a damaged one, changes nothing', async () => {
  const world = await newWorld()
  const program = await startProgram(world, SCRIPTED)
  await talk(at(program, world))
  const folder = world.folder('backups')
  const file = join(folder, 'b')
  await done(world, world.dataDir, 'backup', file)
  await stop(program)
  const cut = join(folder, 'cut')
  cpSync(file, cut)
  truncateSync(cut, Math.floor(statSync(cut).size / 2))
  const bent = join(folder, 'bent')
  const bytes = readFileSync(file)
  bytes.fill(1, bytes.indexOf(TEXT), bytes.indexOf(TEXT) + 4)
  writeFileSync(bent, bytes)
  const text = join(folder, 'text')
  writeFileSync(text, 'no backup')
  const target = join(dirname(world.dataDir), 'target')
  for (const [name, sentence] of [
    [cut, /is no backup, or is damaged|is damaged/],
    [bent, /The attachment .* is damaged/],
    [text, /no backup/],
    [join(world.dataDir, 'claude-proxy.db'), /is no backup of this program/],
    [join(folder, 'missing'), /There is no file/],
  ] as const) {
    const { code, stderr } = await command(world, target, 'restore', name)
    expect([name, code, stderr]).toEqual([name, 1, expect.stringMatching(sentence)])
    expect(existsSync(join(target, 'claude-proxy.db'))).toBe(false)
  }
  await done(world, target, 'restore', file)
}, 120_000)

test('kill -9 amid a backup leaves no file under its name, and the data as it is', async () => {
  const world = await newWorld()
  const program = await startProgram(world, SCRIPTED)
  await talk(at(program, world))
  const folder = world.folder('backups')
  for (let n = 0; n < 6; n++) {
    const file = join(folder, String(n))
    // From the first moments of the program to the end of it, wherever that is on this machine.
    const killed = await startToKill(
      world,
      ['backup', file, '--data-dir', world.dataDir],
      () => n === 0 || readdirSync(folder).some((name) => name.startsWith(`${n}.`)),
    )
    if (existsSync(file)) await done(world, join(dirname(world.dataDir), `r${n}`), 'restore', file)
    else expect(killed).toBe(true)
  }
  await done(world, world.dataDir, 'backup', join(folder, 'whole'))
  expect(await done(world, world.dataDir, 'integrity')).toMatch(/all is well/)
}, 120_000)

test('kill -9 amid a restore leaves what was there, or is made good by the same command', async () => {
  const world = await newWorld()
  const program = await startProgram(world, SCRIPTED)
  const { id } = await talk(at(program, world))
  const file = join(world.folder('backups'), 'b')
  await done(world, world.dataDir, 'backup', file)
  await stop(program)
  const has = (name: string) => existsSync(join(world.dataDir, name))
  const moments = [
    () => has('restoring.new'),
    () => has('restoring.new/attachments'),
    () => has('restoring.new/claude-proxy.db'),
    () => has('restoring'),
    () => readdirSync(world.dataDir).filter((name) => name.startsWith('before-')).length === 2,
  ]
  for (const isTime of moments) {
    await startToKill(world, ['restore', file, '--aside', '--data-dir', world.dataDir], isTime)
    if (has('restoring')) expect((await command(world, world.dataDir, 'integrity')).stderr).toMatch(/cut short/)
    else expect(await done(world, world.dataDir, 'integrity')).toMatch(/all is well/)
    await done(world, world.dataDir, 'restore', file, '--aside')
  }
  for (const name of readdirSync(world.dataDir).filter((each) => each.startsWith('before-')))
    expect(await done(world, join(world.dataDir, name), 'integrity')).toMatch(/1 conversations, .* all is well/)
  const again = await startProgram(world, SCRIPTED)
  expect((await call(`${again.base}/v1/conversations/${id}`)).status).toBe(200)
}, 180_000)
