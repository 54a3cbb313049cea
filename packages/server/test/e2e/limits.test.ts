import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { call, streamAll } from '../support/client.ts'
import { newWorld, startProgram } from './program.ts'

/** The log loads its library with its first line, and an agent needs pipes: each once ended the service. */
test.runIf(process.platform === 'linux').each([0, 1, 3, 5])(
  'a service with %i file handles left answers, or breaks the line, and is well when it has more',
  async (left) => {
    const world = await newWorld({ model: true })
    const program = await startProgram(world)
    const limit = (count: number) => execFileSync('prlimit', ['--pid', String(program.pid), `--nofile=${count}:`])
    const body = { conversation_id: 'short', cwd: world.folder('short'), text: '@say Hello.' }
    limit(readdirSync(`/proc/${program.pid}/fd`).length + left)
    await streamAll(program.base, body).catch(() => {})
    limit(1024)
    await expect
      .poll(() =>
        call(`${program.base}/healthz`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200)
    const received = await streamAll(program.base, { ...body, conversation_id: 'long', cwd: world.folder('long') })
    expect(received.at(-1)?.event).toMatchObject({ is_error: false })
  },
)
