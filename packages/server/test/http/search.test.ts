import { expect, test } from 'vitest'
import { type Answer, call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { type At, post } from './calls.ts'
import { expectError } from './expectations.ts'

const PATIENCE = { timeout: 30_000, interval: 50 }

const search = (service: At, q: string, more = '') =>
  call(`${service.base}/v1/search?q=${encodeURIComponent(q)}${more}`)
const list = (service: At, query: string) => call(`${service.base}/v1/conversations?${query}`)

interface Hit {
  readonly conversation_id: string
  readonly title: string
  readonly event_id: number
  readonly kind: string
  readonly snippet: { readonly text: string; readonly ranges: readonly [number, number][] }
}

const hitsIn = (answer: Answer) => (answer.json?.['hits'] ?? []) as Hit[]
const nextOf = (answer: Answer) => answer.json?.['next_cursor'] as string
const markedIn = ({ snippet: { text, ranges } }: Hit) => ranges.map(([from, to]) => text.slice(from, to))

/** A conversation with prompts, each of which has come to its end. */
async function talk(service: At, body: object, ...prompts: string[]): Promise<string> {
  const made = await post(service, '/v1/conversations', body)
  const id = String(made.json?.['conversation_id'])
  for (const text of prompts) {
    await post(service, `/v1/conversations/${id}/messages`, { text })
    await expect
      .poll(async () => (await call(`${service.base}/v1/conversations/${id}`)).json?.['state'], PATIENCE)
      .toBe('idle')
  }
  return id
}

test('what was just said is found, newest first, with its place and the words marked', async () => {
  await using service = await startTestService()
  const cwd = service.folder()
  const one = await talk(service, { cwd, title: 'One', tags: ['web'] }, 'Repair the Café menu', 'Now the cafe terrace')
  const two = await talk(service, { cwd: service.folder(), title: 'Two' }, 'A cafeteria, and a CAFÉ')
  const answer = await search(service, 'café')
  expect(answer.json).toMatchObject({ next_cursor: null, up_to_date: true })
  const found = hitsIn(answer).filter(({ kind }) => kind === 'prompt')
  expect(found.map(({ conversation_id, title }) => [conversation_id, title])).toEqual([
    [two, 'Two'],
    [one, 'One'],
    [one, 'One'],
  ])
  expect(found.map(markedIn)).toEqual([['CAFÉ'], ['cafe'], ['Café']])
  expect(found[2]).toMatchObject({ event_id: 1, snippet: { text: 'Repair the Café menu', ranges: [[11, 15]] } })
  const ids = async (q: string, more: string) =>
    new Set(hitsIn(await search(service, q, more)).map((hit) => hit.conversation_id))
  expect(await ids('café', '&tag=web')).toEqual(new Set([one]))
  expect(await ids('café', `&cwd=${encodeURIComponent(cwd)}`)).toEqual(new Set([one]))
  expect(await ids('café', `&conversation_id=${two}`)).toEqual(new Set([two]))
  expect(await ids('"cafe terrace" now', '')).toEqual(new Set([one]))
  expect(await ids('cafet*', '')).toEqual(new Set([two]))
  expectError(await search(service, 'café', '&conversation_id=nobody'), 404, 'conversation_unknown')
})

test('pages of hits, however small, are all of them once, though conversations go on meanwhile', async () => {
  await using service = await startTestService()
  const ids: string[] = []
  for (const n of [1, 2, 3])
    ids.push(await talk(service, { cwd: service.folder() }, `needle ${n}`, 'hay', `needle again ${n}`))
  const all = hitsIn(await search(service, 'needle', '&limit=100'))
  const key = ({ conversation_id, event_id }: Hit) => `${conversation_id} ${event_id}`
  const seen: string[] = []
  for (let cursor = ''; ;) {
    const page = await search(service, 'needle', `&limit=1${cursor}`)
    seen.push(...hitsIn(page).map(key))
    if (seen.length === 1) await post(service, `/v1/conversations/${ids[2]}/messages`, { text: 'hay' })
    if (page.json?.['next_cursor'] === null) break
    cursor = `&cursor=${nextOf(page)}`
  }
  expect(all.length).toBeGreaterThanOrEqual(6)
  expect(seen).toEqual(all.map(key))
  expectError(await search(service, 'needle', '&cursor=nonsense'), 400, 'bad_request')
})

test('the list of conversations goes by text, too, page by page and with its other filters', async () => {
  await using service = await startTestService()
  const ids: string[] = []
  for (const n of [1, 2, 3, 4])
    ids.push(await talk(service, { cwd: service.folder(), title: `${n}` }, n === 3 ? 'hay' : 'a needle'))
  await call(`${service.base}/v1/conversations/${ids[1]}`, { method: 'PATCH', body: { archived: true } })
  const titles = (answer: Answer) =>
    ((answer.json?.['conversations'] ?? []) as { title: string }[]).map(({ title }) => title)
  const first = await list(service, 'text=needle&limit=1')
  expect(titles(first)).toEqual(['4'])
  expect(titles(await list(service, `text=needle&cursor=${nextOf(first)}`))).toEqual(['1'])
  expect(titles(await list(service, 'text=needle&archived=true'))).toEqual(['2'])
  expect(titles(await list(service, 'text=needle&state=running'))).toEqual([])
  expectError(await list(service, 'text=%22'), 400, 'bad_request')
})

test('a deleted conversation is found no more, and what was said survives a restart', async () => {
  await using service = await startTestService()
  const gone = await talk(service, { cwd: service.folder() }, 'the needle')
  const kept = await talk(service, { cwd: service.folder() }, 'the needle')
  expect(hitsIn(await search(service, 'needle')).map((hit) => hit.conversation_id)).toContain(gone)
  await call(`${service.base}/v1/conversations/${gone}`, { method: 'DELETE' })
  const left = async () => new Set(hitsIn(await search(service, 'needle')).map((hit) => hit.conversation_id))
  expect(await left()).toEqual(new Set([kept]))
  await service.restart()
  expect(await left()).toEqual(new Set([kept]))
})

test('nothing that can be typed is an error of ours', async () => {
  await using service = await startTestService()
  await talk(service, { cwd: service.folder() }, 'the needle')
  const typed = [
    '"',
    '"""',
    '*',
    '-',
    '^needle',
    'NEAR(',
    'NEAR(a b, 2)',
    'words:needle',
    '{words} : a',
    'a AND',
    'NOT',
    'OR OR',
    '(',
    "'",
    "'; DROP TABLE event; --",
    'needle\u0000',
    '\u0000',
    '💥',
    'needle*',
    '"the nee"*',
    '+ + +',
    'a'.repeat(10_000),
    '"a" '.repeat(200),
    '検索',
    '\u202eneedle',
    '\\',
    '%',
    '_',
    '$(reboot)',
    '__proto__',
    'constructor',
  ]
  for (const q of typed) {
    for (const answer of [await search(service, q), await list(service, `text=${encodeURIComponent(q)}`)])
      expect([q, answer.status === 200 || answer.json?.['error']]).toEqual([q, expect.toBeOneOf([true, 'bad_request'])])
  }
  // what a lone surrogate would be in UTF-8
  expectError(await call(`${service.base}/v1/search?q=%ed%a0%80`), 400, 'bad_request')
  expectError(await call(`${service.base}/v1/search`), 400, 'bad_request')
  expect(hitsIn(await search(service, 'needle', '&limit=1'))).toHaveLength(1)
  expect(service.complaints).toEqual([])
})

test('where the operator wants no index, there is no search, and the list goes without', async () => {
  await using service = await startTestService({ config: { search: false } })
  await talk(service, { cwd: service.folder() }, 'the needle')
  expectError(await search(service, 'needle'), 404, 'not_found')
  expectError(await list(service, 'text=needle'), 404, 'not_found')
  expect((await list(service, '')).status).toBe(200)
})
