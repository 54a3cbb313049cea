import { expect, test } from 'vitest'
import { call } from '../support/client.ts'
import { atRest, made, send } from '../http/conversation-calls.ts'
import { newWorld, runToEnd, startProgram } from './program.ts'

test('claude-proxy export writes what the service serves, while it runs and when it is stopped', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted'])
  const service = { base: program.base, folder: () => world.folder('a') }
  const id = await made(service)
  await send(service, id, '@load n=300 rate=0 size=2000')
  await atRest(service, id)
  const door = `${program.base}/v1/conversations/${id}`
  const served = new Map([['ndjson', (await call(`${door}/history`)).text]])
  for (const format of ['md', 'html', 'json'])
    served.set(format, (await call(`${door}/transcript?format=${format}`)).text)
  for (const [format, text] of served) {
    const asked = await runToEnd(world, ['export', '--url', program.base, '--format', format, id])
    expect(asked).toEqual({ code: 0, stdout: text, stderr: '' })
  }
  const exported = async (...args: string[]) => runToEnd(world, ['export', ...args, '--data-dir', world.dataDir])
  expect((await exported(id)).stdout).toBe(served.get('ndjson'))
  program.signal('SIGTERM')
  await program.exit
  for (const [format, text] of served)
    expect(await exported(id, '--format', format)).toEqual({ code: 0, stdout: text, stderr: '' })
  expect((await exported(id, '--format', 'pdf')).stderr).toMatch(/has to be one of ndjson, md, html, json/)
  const configured = { CLAUDE_PROXY_PORT: '1', CLAUDE_PROXY_DATA_DIR: world.dataDir }
  const here = { ...world, environment: { ...world.environment, ...configured } }
  expect((await runToEnd(here, ['export', id])).stdout).toBe(served.get('ndjson'))
  expect(await runToEnd(here, ['export', '--url', program.base, id])).toMatchObject({ code: 3, stdout: '' })
  expect(await exported('nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/There is no conversation nobody/),
  })
}, 60_000)
