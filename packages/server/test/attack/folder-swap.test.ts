import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { activate, canonical, decide, events, postStream, questionOf } from '../http/calls.ts'
import { expectError, expectWholeRuns } from '../http/expectations.ts'
import { stream, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

test('a link that is turned after the check leads nowhere new: the conversation keeps its real folder', async () => {
  await using elsewhere = await startTestService()
  const [allowed, inside, outside] = [
    elsewhere.folder('allowed'),
    elsewhere.folder('allowed/in'),
    elsewhere.folder('out'),
  ]
  await using service = await startTestService({ config: { allowedRoots: [allowed] } })
  const link = join(allowed, 'link')
  symlinkSync(inside, link)
  const body = { conversation_id: 'link', cwd: link, text: 'hello' }
  const first = await streamAll(service.base, body)
  expect(first[1]?.event['cwd']).toBe(inside)
  renameSync(link, `${link}.old`)
  symlinkSync(outside, link)
  expectError(await postStream(service, body), 403, 'forbidden_folder')
  expectError(await canonical(service, link), 403, 'forbidden_folder')
  expectError(await activate(service, 'other', link), 403, 'forbidden_folder')
  expectError(await events(service, 'other'), 404, 'conversation_unknown')
})

test.each(['a link', 'a folder', 'nothing'])(
  'a run that waits for its turn follows no link: %s is put in the place of its folder',
  async (target) => {
    await using elsewhere = await startTestService()
    const trusted = elsewhere.folder('trusted')
    const hostile = elsewhere.folder('hostile')
    mkdirSync(join(hostile, '.claude'))
    const hook = { hooks: { SessionStart: [{ hooks: [{ type: 'command', command: `touch '${hostile}/pwned'` }] }] } }
    writeFileSync(join(hostile, '.claude/settings.json'), JSON.stringify(hook))
    const config = { allowedRoots: [trusted], trustedRoots: [trusted], maxProcesses: 1, maxWarm: 0 }
    await using service = await startTestService({ agent: 'claude', config })
    const [busy, waiting] = [elsewhere.folder('trusted/busy'), elsewhere.folder('trusted/waiting')]
    const holder = await stream(service.base, { conversation_id: 'holder', cwd: busy, text: '@bash touch never' })
    await holder.until(({ event }) => event.type === 'tool_permission')
    const queued = await stream(service.base, { conversation_id: 'queued', cwd: waiting, text: 'hello' })
    renameSync(waiting, `${waiting}.old`)
    if (target === 'a link') symlinkSync(hostile, waiting)
    if (target === 'a folder') mkdirSync(waiting)
    await decide(service, 'holder', busy, await questionOf(holder), { behavior: 'deny' })
    const received = await queued.ended
    expectWholeRuns(received, 1)
    // A new folder of the old name is its owner's doing, and below the root.
    const end =
      target === 'a folder' ? { is_error: false } : { is_error: true, result: expect.stringContaining(waiting) }
    expect(received.at(-1)?.event).toMatchObject(end)
    if (target === 'nothing') mkdirSync(waiting)
    else if (target === 'a link') renameSync(waiting, `${waiting}.link`)
    if (target === 'a link') mkdirSync(waiting)
    const again = { conversation_id: 'queued', cwd: waiting, text: 'again' }
    expectWholeRuns(await streamAll(service.base, again, received.length), 1, received.length + 1)
    expect(existsSync(join(hostile, 'pwned'))).toBe(false)
  },
)
