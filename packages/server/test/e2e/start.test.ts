import { expect, it } from 'vitest'
import { call, streamAll } from '../support/client.ts'
import { newWorld, startProgram } from './program.ts'

it('nothing is loaded for the start that only some requests need', async () => {
  const world = await newWorld({ model: true })
  // Node tells of every file that it loads.
  world.environment['NODE_DEBUG'] = 'esm,module'
  const program = await startProgram(world, ['--agent', 'claude', '--log-level', 'warn'])
  expect(await call(`${program.base}/healthz`)).toMatchObject({ status: 200 })
  const loaded = () => {
    const names = program.stderr.matchAll(/file:\/\/\S+\/node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\//g)
    const packages = new Set(Array.from(names, ([, name]) => name))
    return ['zod', 'pino', '@opentelemetry/api', '@anthropic-ai/claude-agent-sdk'].filter((name) => packages.has(name))
  }
  // What it tells comes through a pipe, and later than the answer.
  let told = 0
  const isThrough = () => {
    const before = told
    told = program.stderr.length
    return told > 0 && told === before
  }
  await expect.poll(isThrough, { interval: 300, timeout: 30_000 }).toBe(true)
  expect(loaded()).toEqual([])
  const files = new Set(program.stderr.match(/file:\/\/\/\S+\/src\/[^\s'"]+\.ts/g))
  expect(files.size).toBeGreaterThan(100)
  expect(files.size).toBeLessThan(240)
  await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' })
  await expect.poll(loaded).toEqual(['zod', '@anthropic-ai/claude-agent-sdk'])
})
