import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { replay, stream, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { activate, canonical, events, postStream } from './calls.ts'
import { expectError, expectWholeRuns } from './expectations.ts'

test('C7: a folder is one folder, however it is spelled, and the agent gets its real path', async () => {
  await using service = await startTestService()
  const cwd = service.folder('real')
  const link = join(service.folder('links'), 'link')
  symlinkSync(cwd, link)
  const spellings = [
    `${cwd}/`,
    `${cwd}//`,
    `${cwd}/.`,
    `${cwd}/../real`,
    cwd.replace('/work/', '//work/./'),
    ` ${cwd}\n`,
    `~/${relative(homedir(), cwd)}`,
    link,
    `${link}/`,
  ]
  const first = await streamAll(service.base, { conversation_id: 'one', cwd, text: 'hello' })
  expect(first[1]?.event['cwd']).toBe(cwd)
  let head = first.length
  for (const spelling of spellings) {
    const told = await canonical(service, spelling)
    expect(told.json).toEqual({ canonical_id: 'one', cwd, created: false })
    const body = { conversation_id: 'one', cwd: spelling, text: 'hello' }
    const next = await streamAll(service.base, body, head)
    expectWholeRuns(next, 1, head + 1)
    expect(next[1]?.event['cwd']).toBe(cwd)
    head += next.length
    expect((await events(service, 'one', `?cwd=${encodeURIComponent(spelling)}`)).status).toBe(200)
    expect((await activate(service, 'one', spelling)).json).toMatchObject({ previous_id: 'one' })
  }
})

test('C7: a busy folder is busy under all its names', async () => {
  await using service = await startTestService()
  const cwd = service.folder('real')
  const link = join(service.folder('links'), 'link')
  symlinkSync(cwd, link)
  const running = await stream(service.base, { conversation_id: 'one', cwd, text: '@hang' })
  await running.until(({ event }) => event.subtype === 'init')
  for (const spelling of [link, `${cwd}/`, `~/${relative(homedir(), cwd)}`]) {
    const refused = await postStream(service, { conversation_id: 'two', cwd: spelling, text: 'hello' })
    expectError(refused, 409, 'agent_folder_busy', { cwd, retry_after_ms: 2000 })
  }
})

test('the home of the service is a folder, too', async () => {
  await using service = await startTestService()
  expect((await canonical(service, '~')).json).toMatchObject({ canonical_id: expect.any(String) })
  expect((await canonical(service, '~')).json).toEqual((await canonical(service, '~/')).json)
})

test('C2: a refused request claims neither the id nor the folder', async () => {
  await using service = await startTestService()
  const [taken, free] = [service.folder(), service.folder()]
  // Refused for the want of text, as the first request for this id and this folder.
  expectError(await postStream(service, { conversation_id: 'wanted', cwd: taken }), 400, 'bad_request')
  expectError(await events(service, 'wanted'), 404, 'conversation_unknown')
  // So the id may begin in another folder, and the folder with another id.
  expectWholeRuns(await streamAll(service.base, { conversation_id: 'wanted', cwd: free, text: 'hello' }), 1)
  expectWholeRuns(await streamAll(service.base, { conversation_id: 'other', cwd: taken, text: 'hello' }), 1)
  expect((await canonical(service, taken)).json).toMatchObject({ canonical_id: 'other' })
  expect((await canonical(service, free)).json).toMatchObject({ canonical_id: 'wanted' })
})

test('C2: attaching under an unknown id makes no alias of it', async () => {
  await using service = await startTestService()
  const [cwd, other] = [service.folder(), service.folder()]
  const all = await streamAll(service.base, { conversation_id: 'main', cwd, text: 'hello' })
  const tail = await streamAll(service.base, { conversation_id: 'guest', cwd }, 1)
  expect(tail).toEqual(all.slice(1))
  expectError(await events(service, 'guest'), 404, 'conversation_unknown')
  expectWholeRuns(await streamAll(service.base, { conversation_id: 'guest', cwd: other, text: 'hello' }), 1)
})

test('C3: the word that the conversation has changed is said, not stored', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  await streamAll(service.base, { conversation_id: 'a', cwd, text: 'hello' })
  const stored = await replay(service.base, 'a')
  await activate(service, 'b', cwd)
  await streamAll(service.base, { conversation_id: 'b', cwd, text: 'hello' })
  for (let n = 0; n < 3; n++) {
    const told = await events(service, 'a', '?since=2')
    expect(told.json).toMatchObject({ type: 'proxy_session', event: 'switched', canonical_id: 'b', previous_id: 'a' })
  }
  await activate(service, 'a', cwd)
  expect(await replay(service.base, 'a')).toEqual(stored)
  expect((await replay(service.base, 'a')).some(({ event }) => event.type === 'proxy_session')).toBe(false)
  await activate(service, 'b', cwd)
  expect((await replay(service.base, 'b')).some(({ event }) => event.type === 'proxy_session')).toBe(false)
})

test('C4: aliases of the first conversation lead to the third, also after a restart', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  await streamAll(service.base, { conversation_id: 'A', cwd, text: 'in A' })
  await streamAll(service.base, { conversation_id: 'alias-of-A', cwd, text: 'in A, too' })
  await activate(service, 'B', cwd)
  await streamAll(service.base, { conversation_id: 'B', cwd, text: 'in B' })
  await activate(service, 'C', cwd)
  const inC = await streamAll(service.base, { conversation_id: 'C', cwd, text: 'in C' })
  for (const restarted of [false, true]) {
    if (restarted) await service.restart()
    for (const name of ['A', 'alias-of-A', 'B', 'C']) expect(await replay(service.base, name)).toEqual(inC)
    expect((await events(service, 'alias-of-A', '?since=1')).json).toMatchObject({ canonical_id: 'C' })
  }
  const next = await streamAll(service.base, { conversation_id: 'alias-of-A', cwd, text: 'again' }, inC.length)
  expectWholeRuns(next, 1, inC.length + 1)
})

test('C5: a group is taken note of and changes nothing', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const body = { conversation_id: 'grouped', cwd, text: 'hello' }
  const first = await streamAll(service.base, { ...body, conversation_group: 'one' })
  const second = await streamAll(service.base, { ...body, conversation_group: 'two' }, first.length)
  expectWholeRuns(second, 1, first.length + 1)
  const query = `?since=1&cwd=${encodeURIComponent(cwd)}&conversation_group=three`
  expect((await events(service, 'grouped', query)).text).toContain('"type":"result"')
})

test('a folder that has gone while its run goes on keeps nobody from attaching to the run', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const place = { conversation_id: 'moved', cwd }
  const first = await stream(service.base, { ...place, text: '@hang' })
  const seen = await first.until(({ event }) => event.subtype === 'init')
  renameSync(cwd, `${cwd}-moved`)
  const again = await stream(service.base, place, 1)
  expect(await again.until(({ event }) => event.subtype === 'init')).toEqual(seen)
  // A prompt would begin something there: nothing does.
  expectError(await postStream(service, { ...place, text: 'hello' }), 400, 'bad_request', {
    message: `cwd does not exist: ${cwd}`,
  })
})

test('a folder that has gone for a moment does not make its conversation unknown', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const all = await streamAll(service.base, { conversation_id: 'kept', cwd, text: 'hello' })
  rmSync(cwd, { recursive: true })
  const query = `?since=1&cwd=${encodeURIComponent(`${cwd}/`)}`
  expect((await events(service, 'kept', query)).text).toBe(
    all
      .slice(1)
      .map(({ data }) => `${data}\n`)
      .join(''),
  )
  expectError(await postStream(service, { conversation_id: 'kept', cwd, text: 'hello' }), 400, 'bad_request')
  const guest = await events(service, 'guest', `?cwd=${encodeURIComponent(`${cwd}/elsewhere`)}`)
  expectError(guest, 400, 'bad_request')
  service.folder(cwd.split('/').at(-1))
  const next = { conversation_id: 'kept', cwd, text: 'back again' }
  expectWholeRuns(await streamAll(service.base, next, all.length), 1, all.length + 1)
})
