import { expect, it } from 'vitest'
import { call, streamAll } from '../support/client.ts'
import { newWorld, startProgram } from './program.ts'

it('nothing is loaded for the start that only some requests need', async () => {
  const world = await newWorld({ model: true })
  // Node tells of every file that it loads.
  world.environment['NODE_DEBUG'] = 'esm,module'
  const program = await startProgram(world, ['--agent', 'claude', '--log-level', 'warn'])
  expect(await call(`${program.base}/healthz`)).toMatchObject({ status: 200 })
  const loaded = () =>
    ['zod', 'pino', '@opentelemetry', '@anthropic-ai/claude-agent-sdk'].filter((name) =>
      program.stderr.includes(`/node_modules/${name}/`),
    )
  expect(loaded()).toEqual([])
  const files = new Set(program.stderr.match(/file:\/\/\/\S+\/src\/[^\s'"]+\.ts/g))
  expect(files.size).toBeGreaterThan(100)
  expect(files.size).toBeLessThan(240)
  await streamAll(program.base, { conversation_id: 'c', cwd: world.folder('work'), text: 'hi' })
  expect(loaded()).toEqual(['zod', '@anthropic-ai/claude-agent-sdk'])
})
