import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newWorld, startProgram } from '../e2e/program.ts'
import { call } from '../support/client.ts'
import { rawPost, sendRaw } from '../support/raw.ts'

test('nothing a client sends breaks a line of the log, adds one, or colours it', async () => {
  const world = await newWorld()
  const program = await startProgram(world, ['--agent', 'scripted', '--log-level', 'debug'])
  const nasty = 'x\n{"level":60,"msg":"forged"}\r\n\u001b[2J\u001b]0;owned\u0007\u2028\u0085"}],'
  const cwd = world.folder(nasty.replaceAll('/', '-'))
  // The scripted agent dies at this, and the log tells of it.
  const body = { conversation_id: 'nasty', cwd, text: `${nasty} @die`, conversation_group: nasty, model: nasty }
  await call(`${program.base}/v1/agent/stream`, { method: 'POST', body })
  for (const path of [
    `/${encodeURIComponent(nasty)}`,
    `/v1/conversations/${encodeURIComponent(nasty)}/events`,
    '/%0a%0d%1b[31m',
  ])
    await call(`${program.base}${path}`)
  await sendRaw(program.base, `GET /\x1b[31m HTTP/1.1\r\nHost: \x1b[31m\r\nConnection: close\r\n\r\n`)
  const torn = { 'Content-Length': '4000', Connection: 'close' }
  await sendRaw(program.base, rawPost('/v1/agent/stream', nasty, { ...torn, 'Content-Length': '5' }))
  // Something the log has to tell with the folder's name in it.
  mkdirSync(join(cwd, 'gone'))
  rmSync(cwd, { recursive: true })
  await call(`${program.base}/v1/agent/stream`, { method: 'POST', body })
  program.signal('SIGTERM')
  await program.exit

  const lines = program.stderr.split('\n').slice(0, -1)
  expect(lines.length).toBeGreaterThan(2)
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), time: expect.any(String) })
    expect(JSON.parse(line)).not.toMatchObject({ msg: 'forged' })
    expect(line).not.toMatch(/\p{Cc}/u)
  }
})
