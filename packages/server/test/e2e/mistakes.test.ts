import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newWorld, runToEnd, startProgram } from './program.ts'

it.each([
  ['a port that is none', ['--port', 'abc'], /--port=abc cannot be used/],
  ['an option that is none', ['--prot', '1'], /--prot/],
  ['a stray word', ['start'], /start/],
  ['an open door without a token', ['--port', '0', '--host', '0.0.0.0'], /CLAUDE_PROXY_TOKEN/],
  ['a folder that is not there', ['--port', '0', '--allowed-roots', '/not/there'], /\/not\/there/],
  ['an address that is not ours', ['--port', '0', '--host', '192.0.2.1', '--token', 'x'], /192\.0\.2\.1/],
])('%s: exit code 1 and one sentence on stderr', async (_, args, names) => {
  const world = await newWorld()
  const { code, stderr } = await runToEnd(world, ['--data-dir', world.dataDir, ...args])
  expectSentence(stderr, names)
  expect(code).toBe(1)
})

it('a data directory that cannot be one: exit code 1 and one sentence on stderr', async () => {
  const world = await newWorld()
  const file = join(world.folder('f'), 'file')
  writeFileSync(file, '')
  const { code, stderr } = await runToEnd(world, ['--port', '0', '--data-dir', file])
  expectSentence(stderr, /file/)
  expect(code).toBe(1)
})

it('a port that is taken: exit code 1 and a sentence that says what to do', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  const { port } = new URL(program.base)
  const other = await newWorld()
  const { code, stderr } = await runToEnd(other, ['--port', port, '--data-dir', other.dataDir])
  expectSentence(stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*--port`))
  expect(code).toBe(1)
})

it('a data directory that another service has: exit code 1, a sentence, and the other one works on', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  const { code, stderr } = await runToEnd(world, ['--port', '0', '--data-dir', world.dataDir])
  expectSentence(stderr, /data directory/)
  expect(stderr).toContain(world.dataDir)
  expect(stderr).toContain(String(program.pid))
  expect(code).toBe(1)
  program.signal('SIGTERM')
  expect(await program.exit).toEqual([0, null])
})

it('the data of a service that was killed can be used at once', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  await program.kill()
  await startProgram(world, ['--agent', 'scripted'])
})

/** One line that begins with the program's name: no stack, no log. */
function expectSentence(stderr: string, names: RegExp): void {
  expect(stderr).toMatch(/^claude-proxy: [^\n]+\n$/)
  expect(stderr).toMatch(names)
}
