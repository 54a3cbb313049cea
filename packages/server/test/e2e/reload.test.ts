import { chmodSync, existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { newCertificate } from '../support/certificate.ts'
import { newWorld, PATIENCE, startProgram } from './program.ts'

async function fingerprint(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256: print } = socket.getPeerCertificate()
  socket.destroy()
  return print
}

test('SIGHUP has a log begun anew that was moved away, and a renewed certificate read; nothing is interrupted', async () => {
  const world = await newWorld()
  const directory = world.folder('s')
  chmodSync(directory, 0o700)
  const log = join(directory, 'log')
  const { cert, key } = newCertificate(directory)
  const program = await startProgram(
    world,
    `--agent scripted --log-file ${log} --tls-cert ${cert} --tls-key ${key}`.split(' '),
  )
  const port = Number(new URL(program.base).port)
  const before = await fingerprint(port)
  const held = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(held, 'secureConnect')
  newCertificate(directory)
  renameSync(log, `${log}.moved`)
  program.signal('SIGHUP')
  await expect
    .poll(() => existsSync(log) && readFileSync(log, 'utf8'), PATIENCE)
    .toContain('read again what may change')
  expect(readFileSync(`${log}.moved`, 'utf8')).toContain('"started"')
  expect(await fingerprint(port)).not.toBe(before)
  expect(held.destroyed).toBe(false)
  held.destroy()
  program.signal('SIGTERM')
  expect(await program.exit).toEqual([0, null])
})
