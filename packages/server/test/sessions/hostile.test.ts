import { createWriteStream, mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { call, replay } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { adopt, list } from './doors.ts'
import { transcriptOf } from './terminal.ts'

test('what is no id of a session is refused, and leads to no file', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  writeFileSync(join(service.home, 'secret.jsonl'), transcript(cwd, 1))
  for (const adopted of ['../../../secret', '..', '', 'x', `${crypto.randomUUID()}/..`, 7, {}])
    expect(await adopt(service, cwd, adopted)).toMatchObject({ status: 400, json: { error: 'bad_request' } })
  expect(await adopt(service, cwd, crypto.randomUUID())).toMatchObject({
    status: 404,
    json: { error: 'session_unknown' },
  })
  expect(await call(`${service.base}/v1/conversations`)).toMatchObject({ json: { conversations: [] } })
})

test('links are not followed: neither a transcript that is one, nor a folder of transcripts', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const [linked, whole] = [service.folder(), service.folder()]
  const elsewhere = join(service.home, 'elsewhere')
  mkdirSync(elsewhere)
  const session = crypto.randomUUID()
  writeFileSync(join(elsewhere, 'x.jsonl'), transcript(linked, 3))
  symlinkSync(join(elsewhere, 'x.jsonl'), transcriptOf(service, linked, session))
  writeFileSync(transcriptOf(service, whole, session), transcript(whole, 3))
  const directory = dirname(transcriptOf(service, whole, session))
  renameSync(directory, join(service.home, 'moved'))
  symlinkSync(join(service.home, 'moved'), directory)
  for (const cwd of [linked, whole]) {
    expect(await list(service, cwd)).toEqual([])
    expect(await adopt(service, cwd, session)).toMatchObject({ status: 404, json: { error: 'session_unknown' } })
  }
})

test('the sessions of a folder whose name looks the same in their directory stay its own', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const [mine, other] = [service.folder('a-b'), service.folder('a/b')]
  const session = crypto.randomUUID()
  writeFileSync(transcriptOf(service, mine, session), transcript(mine, 2))
  expect(await list(service, mine)).toMatchObject([{ session_id: session }])
  expect(await list(service, other)).toEqual([])
  expect(await adopt(service, other, session)).toMatchObject({ status: 404 })
})

test('a folder that agents may not work in shows none of its sessions', async () => {
  await using service = await startTestService({ agent: 'claude', config: { allowedRoots: ['/usr'] } })
  const cwd = service.folder()
  writeFileSync(transcriptOf(service, cwd, crypto.randomUUID()), transcript(cwd, 2))
  const refused = { status: 403, json: { error: 'forbidden_folder' } }
  expect(await call(`${service.base}/v1/sessions?cwd=${cwd}`)).toMatchObject(refused)
  expect(await adopt(service, cwd, crypto.randomUUID())).toMatchObject(refused)
})

test('lines that are none are passed over; a line without end becomes a note', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const session = crypto.randomUUID()
  const good = transcript(cwd, 3).split('\n')
  const giant = good[1]?.replace('Words 1.', 'x'.repeat(9_000_000)) ?? ''
  const garbage = ['', '{', '[]', 'null', '\0\0', '{"type":"user"}', `{"type":${'['.repeat(100_000)}`, '\ud800']
  writeFileSync(transcriptOf(service, cwd, session), [good[0], ...garbage, giant, good[2], '{"type":"assi'].join('\n'))
  expect(await list(service, cwd)).toMatchObject([{ session_id: session }])
  const adopted = await adopt(service, cwd, session)
  expect(adopted.status).toBe(200)
  const history = await replay(service.base, String(adopted.json?.['conversation_id']))
  expect(history.map(({ event }) => event.subtype ?? event.type)).toEqual([
    'user',
    'too_long',
    'user',
    'session_adopted',
  ])
})

test(
  '50 MB are taken in whole while others are served; what is larger than that by far is refused',
  { timeout: 120_000 },
  async () => {
    await using service = await startTestService({ agent: 'claude' })
    const cwd = service.folder()
    const [large, huge] = [crypto.randomUUID(), crypto.randomUUID()]
    const count = 50_000
    await write(transcriptOf(service, cwd, large), cwd, count, 1000)
    const tooMuch = createWriteStream(transcriptOf(service, cwd, huge))
    tooMuch.write(transcript(cwd, 3))
    for (let megabytes = 0; megabytes < 130; megabytes++)
      if (!tooMuch.write(`${'x'.repeat(1024 * 1024)}\n`)) await once(tooMuch, 'drain')
    tooMuch.end()
    await once(tooMuch, 'close')
    const adopting = adopt(service, cwd, large)
    const longest = await longestAnswer(service.base, adopting)
    const adopted = await adopting
    expect(adopted).toMatchObject({ status: 200, json: { head: count + 1 } })
    // On a machine that is busy with other things, far less than the whole.
    expect(longest).toBeLessThan(2000)
    const refused = await adopt(service, cwd, huge)
    expect(refused).toMatchObject({ status: 409, json: { error: 'session_unreadable', session_id: huge } })
    const listed = await list(service, cwd)
    expect(listed.map((each) => each['conversation_id'])).toContain(adopted.json?.['conversation_id'])
  },
)

test('a list comes in pages, the one that was used last first', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const sessions = Array.from({ length: 7 }, () => crypto.randomUUID())
  for (const [n, session] of sessions.entries()) {
    const path = transcriptOf(service, cwd, session)
    writeFileSync(path, transcript(cwd, 2))
    utimesSync(path, 1000 - Math.floor(n / 2), 1000 - Math.floor(n / 2))
  }
  const seen: unknown[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const answer = await call(
      `${service.base}/v1/sessions?cwd=${cwd}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
    )
    const page = answer.json?.['sessions'] as { session_id: string; active_at: string }[]
    expect(page.length).toBeGreaterThan(0)
    seen.push(...page)
    cursor = answer.json?.['next_cursor'] as string | null
  }
  expect(seen.map((each) => (each as { session_id: string }).session_id).toSorted()).toEqual(sessions.toSorted())
  const times = seen.map((each) => (each as { active_at: string }).active_at)
  expect(times).toEqual(times.toSorted().toReversed())
  expect(await call(`${service.base}/v1/sessions?cwd=${cwd}&cursor=nonsense`)).toMatchObject({ status: 400 })
})

/** How long anybody had to wait for an answer meanwhile. */
async function longestAnswer(base: string, meanwhile: Promise<unknown>): Promise<number> {
  const over = meanwhile.then(() => 'over')
  let longest = 0
  for (;;) {
    const begin = performance.now()
    if ((await Promise.race([over, call(`${base}/healthz`)])) === 'over') return longest
    longest = Math.max(longest, performance.now() - begin)
  }
}

/** The entries of a session that was begun in `cwd`: prompts and answers in turn. */
function* entries(cwd: string, count: number, bytes: number): Generator<string> {
  let parentUuid: string | null = null
  for (let n = 0; n < count; n++) {
    const uuid = crypto.randomUUID()
    const role = n % 2 === 0 ? 'user' : 'assistant'
    const text = `Words ${n}.${'x'.repeat(bytes)}`
    const message = {
      role,
      content: [{ type: 'text', text }],
      ...(role === 'assistant' && { id: `msg_${n}`, model: 'm' }),
    }
    const timestamp = new Date(n * 1000).toISOString()
    yield `${JSON.stringify({ parentUuid, isSidechain: false, type: role, message, uuid, timestamp, cwd, sessionId: 's' })}\n`
    parentUuid = uuid
  }
}

function transcript(cwd: string, count: number): string {
  return [...entries(cwd, count, 0)].join('')
}

async function write(path: string, cwd: string, count: number, bytes: number): Promise<void> {
  const file = createWriteStream(path)
  for (const line of entries(cwd, count, bytes)) if (!file.write(line)) await once(file, 'drain')
  file.end()
  await once(file, 'close')
}
