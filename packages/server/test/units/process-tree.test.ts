import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createMarks, marked } from '../../src/agents/claude/mark.ts'
import { endAll, identify, isAlive, residentBytes, signalAll, tree } from '../../src/agents/claude/process-tree.ts'
import type { AgentProcess } from '../../src/core/ports/agent.ts'

/** Prints its pid, so that we know that its handler is in place; ends only by SIGKILL. */
const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)`
/** Begins a stubborn child in a session of its own, as the agent does with its commands. */
const PARENT = `
  const options = { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(STUBBORN)}], options)
  ${STUBBORN}`
const OBEDIENT = `setInterval(() => {}, 1000); console.log(process.pid)`

/** Starts node with this code, and waits until `count` processes have told their pids. */
async function start(code: string, count: number): Promise<{ child: ChildProcess; family: AgentProcess[] }> {
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pids = await firstNumbers(child.stdout, count)
  const family = await Promise.all(
    pids.map(async (pid) => {
      const found = await identify(pid)
      if (!found) throw new Error(`process ${pid} is not there`)
      return found
    }),
  )
  onTestFinished(() => signalAll(family, 'SIGKILL'))
  return { child, family }
}

async function firstNumbers(output: Readable, count: number): Promise<number[]> {
  const numbers: number[] = []
  for await (const line of createInterface({ input: output })) {
    numbers.push(Number(line))
    if (numbers.length === count) break
  }
  return numbers
}

function self(family: readonly AgentProcess[], child: ChildProcess): AgentProcess {
  const found = family.find(({ pid }) => pid === child.pid)
  if (!found) throw new Error('the child has not told its pid')
  return found
}

async function living(family: readonly AgentProcess[]): Promise<number> {
  return (await Promise.all(family.map(isAlive))).filter(Boolean).length
}

it('a child that ignores SIGTERM, and the child it has, are gone', async () => {
  const { child, family } = await start(PARENT, 2)
  expect(await living(family)).toBe(2)
  const exit = once(child, 'exit')
  await endAll([self(family, child)], 100)
  expect(await exit).toEqual([null, 'SIGKILL'])
  await expect.poll(() => living(family)).toBe(0)
})

it('a child that obeys is not killed the hard way, nor waited for longer than it takes', async () => {
  const { child, family } = await start(OBEDIENT, 1)
  const exit = once(child, 'exit')
  await endAll(family, 2 ** 31 - 1)
  expect(await exit).toEqual([null, 'SIGTERM'])
})

it('a process that only has the pid of an earlier one is left alone', async () => {
  const { child, family } = await start(OBEDIENT, 1)
  const earlier = { ...self(family, child), startedAt: '1@another boot' }
  expect(await isAlive(earlier)).toBe(false)
  expect(await tree(earlier)).toEqual([])
  await signalAll([earlier], 'SIGKILL')
  await endAll([earlier], 100)
  expect(await living(family)).toBe(1)
})

it('what is gone already is passed over', async () => {
  const { child, family } = await start(OBEDIENT, 1)
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  expect(await identify(self(family, child).pid)).toBeUndefined()
  await endAll(family, 100)
})

it('the tree of a process is itself and all it has begun', async () => {
  const { child, family } = await start(PARENT, 2)
  const found = await tree(self(family, child))
  expect(found).toHaveLength(2)
  expect(found).toEqual(expect.arrayContaining(family))
})

it('knows how much memory a process holds', async () => {
  const { family } = await start(OBEDIENT, 1)
  const [process] = family
  if (!process) throw new Error('it has not started')
  expect(await residentBytes(process)).toBeGreaterThan(1024 * 1024)
})

it('the grace of an end does not depend on the time of day, which somebody may set back', async () => {
  const { child, family } = await start(STUBBORN, 1)
  let hours = 0
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => -3_600_000 * hours++)
  onTestFinished(() => clock.mockRestore())
  await endAll([self(family, child)], 200)
  await expect.poll(() => living(family)).toBe(0)
})

it.runIf(process.platform === 'linux')(
  'what an agent began in sessions of its own is found when the agent is gone',
  async () => {
    const marks = createMarks('/data')
    const { mark, environment } = marks.next()
    const code = `
    const options = { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(STUBBORN)}], options)`
    const env = { PATH: process.env['PATH'] ?? '', ...environment }
    const parent = spawn(process.execPath, ['-e', `${code}; setTimeout(() => process.exit(), 50)`], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(async () => signalAll(await marked(mark), 'SIGKILL'))
    const [left] = await firstNumbers(parent.stdout, 1)
    await expect.poll(async () => (await marked(mark)).map(({ pid }) => pid)).toEqual([left])
    // The next start with the same data finds it, this one and those with other data do not.
    expect(await marks.leftOver()).toEqual([])
    expect(await createMarks('/other').leftOver()).toEqual([])
    expect((await createMarks('/data').leftOver()).map(({ pid }) => pid)).toEqual([left])
  },
)
