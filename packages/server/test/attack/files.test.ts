import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { newWorld, startProgram } from '../e2e/program.ts'
import { expectError } from '../http/expectations.ts'
import { newCertificate } from '../support/certificate.ts'
import { type Answer, call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

/** Files are shown to people. A hostile folder would have them shown others' files, or have the service hang on one. */

interface At {
  readonly base: string
}

const content = (service: At, cwd: string, path: string): Promise<Answer> =>
  call(`${service.base}/v1/files/content?cwd=${encodeURIComponent(cwd)}&path=${encodeURIComponent(path)}`)
const list = (service: At, cwd: string, path: string): Promise<Answer> =>
  call(`${service.base}/v1/files?cwd=${encodeURIComponent(cwd)}&path=${encodeURIComponent(path)}`)

test.each(['', 'with allowed roots'])('no path and no link leads out of the folder %s', async (roots) => {
  await using elsewhere = await startTestService()
  const [root, outside] = [elsewhere.folder('root'), elsewhere.folder('outside')]
  await using service = await startTestService({ config: roots === '' ? {} : { allowedRoots: [root] } })
  const cwd = join(root, 'in')
  mkdirSync(cwd)
  writeFileSync(join(outside, 'secret'), 'secret')
  symlinkSync(join(outside, 'secret'), join(cwd, 'link'))
  symlinkSync(outside, join(cwd, 'door'))
  symlinkSync('../../outside', join(cwd, 'relative'))
  mkdirSync(join(cwd, 'a'))
  symlinkSync('../door', join(cwd, 'a', 'chain'))
  for (const path of [
    'link',
    'door/secret',
    'relative/secret',
    'a/chain/secret',
    '../../outside/secret',
    'a/../../../outside/secret',
    './/..///../outside/secret',
  ])
    expectError(await content(service, cwd, path), 403, 'forbidden_path')
  for (const path of ['door', 'relative', 'a/chain', '../..', '../../outside'])
    expectError(await list(service, cwd, path), 403, 'forbidden_path')
  // Nor does it tell whether something is there.
  expectError(await content(service, cwd, '../../outside/nothing'), 403, 'forbidden_path')
  writeFileSync(join(root, 'beside'), 'beside')
  const beside = await content(service, cwd, '../beside')
  // Where roots are set, all below them may be looked at, as agents may work there.
  if (roots === '') expectError(beside, 403, 'forbidden_path')
  else expect(beside.text).toBe('beside')
})

test.each(['', 'with allowed roots'])('nor does a link tell what is at its other end %s', async (roots) => {
  await using elsewhere = await startTestService()
  const [cwd, outside] = [elsewhere.folder('in'), elsewhere.folder('outside')]
  await using service = await startTestService({ config: roots === '' ? {} : { allowedRoots: [cwd] } })
  mkdirSync(join(outside, 'there'))
  writeFileSync(join(outside, 'there', 'file'), 'secret')
  writeFileSync(join(cwd, 'mine'), 'mine')
  symlinkSync(outside, join(cwd, 'door'))
  symlinkSync(join(outside, 'there'), join(cwd, 'to-there'))
  symlinkSync(join(outside, 'nothing'), join(cwd, 'to-nothing'))
  symlinkSync('to-nothing', join(cwd, 'twice'))
  symlinkSync('loop', join(cwd, 'loop'))
  const paths = [
    'door/there',
    'door/nothing',
    'door/there/nothing',
    'door/there/file/x',
    'to-there',
    'to-nothing',
    'twice',
  ]
  for (const path of paths) {
    expectError(await content(service, cwd, path), 403, 'forbidden_path')
    expectError(await list(service, cwd, path), 403, 'forbidden_path')
    if (roots !== '') expectError(await list(service, join(cwd, path), ''), 403, 'forbidden_folder')
  }
  // By way of what may be there, back in.
  for (const way of ['there', 'nothing'])
    expect((await content(service, cwd, `door/${way}/../../mine`)).text).toBe('mine')
  for (const path of ['nothing', 'nothing/at/all', 'mine/x', 'loop', 'loop/x'])
    expectError(await content(service, cwd, path), 404, 'path_unknown')
})

test('a link that is turned back and forth never shows the other side', async () => {
  await using service = await startTestService()
  const [cwd, outside] = [service.folder(), service.folder()]
  for (const [folder, text] of [
    [join(cwd, 'inside'), 'mine'],
    [outside, 'secret'],
  ] as const) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'file'), text)
  }
  const turning = { isOver: false, turns: 0 }
  const turned = (async () => {
    for (; !turning.isOver; turning.turns++) {
      symlinkSync(turning.turns % 2 === 0 ? join(cwd, 'inside') : outside, join(cwd, 'next'))
      renameSync(join(cwd, 'next'), join(cwd, 'now'))
      await nextTick()
    }
  })()
  const seen = new Map<string, number>()
  for (let n = 0; n < 60 || (seen.size < 2 && n < 2000); n++) {
    const answers = await Promise.all([content(service, cwd, 'now/file'), content(service, cwd, 'now/file')])
    for (const { status, text } of answers) {
      const what = status === 200 ? text : String(status)
      seen.set(what, (seen.get(what) ?? 0) + 1)
    }
  }
  turning.isOver = true
  await turned
  // Before the first turn there is nothing.
  seen.delete('404')
  expect([...seen.keys()].sort()).toEqual(['403', 'mine'])
  expect(turning.turns).toBeGreaterThan(10)
  expect(service.complaints).toEqual([])
})

test('pipes, sockets and devices are refused at once, and nobody at their other end notices', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  execFileSync('mkfifo', [join(cwd, 'pipe')])
  symlinkSync('pipe', join(cwd, 'link'))
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(cwd, 'socket'), resolve))
  for (const path of ['pipe', 'link', 'socket']) expectError(await content(service, cwd, path), 400, 'bad_request')
  for (const path of ['zero', 'tty', 'random']) expectError(await content(service, '/dev', path), 400, 'bad_request')
  const { json } = await list(service, cwd, '')
  expect(json).toMatchObject({
    entries: [
      { name: 'link', leads_to: 'other' },
      { name: 'pipe', kind: 'other' },
      { name: 'socket', kind: 'other' },
    ],
  })
  server.close()
})

test.skipIf(process.platform !== 'linux')(
  'what the kernel tells of processes is not shown, also where no roots are set',
  async () => {
    await using service = await startTestService()
    for (const path of ['self/environ', `${process.pid}/environ`, 'self/cmdline', 'self/root/etc/passwd', 'version'])
      expect((await content(service, '/proc', path)).status).toBe(403)
    for (const path of ['proc/self/environ', 'sys/kernel/hostname'])
      expect([403, 404]).toContain((await content(service, '/', path)).status)
    expectError(await list(service, '/proc', 'self'), 403, 'forbidden_path')
    const cwd = service.folder()
    symlinkSync('/proc/self/environ', join(cwd, 'link'))
    expectError(await content(service, cwd, 'link'), 403, 'forbidden_path')
  },
)

test('the data of the service and its token are not shown, by whatever name', async () => {
  await using elsewhere = await startTestService()
  const cwd = elsewhere.folder()
  const [dataDir, tokenFile] = [join(cwd, 'data'), join(cwd, 'token')]
  writeFileSync(tokenFile, 'secret-token', { mode: 0o600 })
  const config = { dataDir, tokenFile, allowedRoots: [cwd] }
  await using service = await startTestService({ config })
  linkSync(tokenFile, join(cwd, 'hard'))
  symlinkSync('token', join(cwd, 'soft'))
  symlinkSync(join(dataDir), join(cwd, 'door'))
  for (const path of ['token', 'hard', 'soft']) expectError(await content(service, cwd, path), 403, 'forbidden_path')
  for (const path of ['data', 'door']) expectError(await list(service, cwd, path), 403, 'forbidden_path')
  for (const path of ['data/claude-proxy.sqlite', 'door/claude-proxy.sqlite', 'data/nothing'])
    expect([403, 404]).toContain((await content(service, cwd, path)).status)
  expectError(await list(service, dataDir, ''), 403, 'forbidden_path')
})

test('the key of its certificate, its socket and the file of its variables are not shown, by whatever name', async () => {
  const world = await newWorld()
  const cwd = world.folder('work')
  chmodSync(cwd, 0o700)
  const { cert, key } = newCertificate(cwd)
  const [settings, socket] = [join(cwd, 'settings.env'), join(cwd, 'proxy.sock')]
  writeFileSync(settings, 'ANTHROPIC_API_KEY=secret\n', { mode: 0o600 })
  linkSync(key, join(cwd, 'hard'))
  symlinkSync(settings, join(cwd, 'soft'))
  const options = ['--agent', 'scripted', '--tls-cert', cert, '--tls-key', key, '--socket', socket]
  await startProgram(world, [...options, '--allowed-roots', cwd, '--environment', settings])
  const query = (path: string) => `cwd=${encodeURIComponent(cwd)}&path=${encodeURIComponent(path)}`
  const ask = async (path: string) => {
    const sent = get({ socketPath: socket, path: `/v1/files/content?${query(path)}` })
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: response.statusCode, body: await textOf(response) }
  }
  expect((await ask(basename(cert))).status).toBe(200)
  for (const path of [basename(key), 'hard', 'settings.env', 'soft', 'proxy.sock']) {
    const { status, body } = await ask(path)
    expect([path, status]).toEqual([path, 403])
    expect(body).toContain('belongs to this service')
  }
})

test('a hostile file is data for a browser: no page, no style, no picture that runs', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const files = {
    'page.html': '<script>alert(1)</script>',
    'image.svg': '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    'image.png': '<html><script>alert(1)</script>',
    'page.xhtml': '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    'x\r\nset-cookie: a=b; "quoted"\u202e.txt': 'text',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  for (const name of Object.keys(files)) {
    const { status, headers } = await content(service, cwd, name)
    expect([status, headers['content-type'], headers['x-content-type-options']]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'nosniff',
    ])
    expect(headers['content-security-policy']).toContain('sandbox')
    expect(headers['set-cookie']).toBeUndefined()
    expect(headers['content-disposition']).toMatch(/^inline; filename\*=UTF-8''[\w.%~!-]+$/)
  }
})

test('a file that is taken away while it is looked for leads to an answer, never to an error of ours', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const churning = { isOver: false }
  const churned = (async () => {
    for (let n = 0; !churning.isOver; n++) {
      mkdirSync(join(cwd, 'd'), { recursive: true })
      writeFileSync(join(cwd, 'd/f'), 'x'.repeat(n % 1000))
      await nextTick()
      rmSync(join(cwd, 'd'), { recursive: true })
      await nextTick()
    }
  })()
  const statuses = new Set<number>()
  for (let n = 0; n < 150; n++) {
    const answers = await Promise.all([content(service, cwd, 'd/f'), list(service, cwd, 'd'), list(service, cwd, '')])
    for (const { status } of answers) statuses.add(status)
  }
  churning.isOver = true
  await churned
  expect([...statuses].filter((status) => status !== 200 && status !== 404)).toEqual([])
  expect(service.complaints).toEqual([])
})
