import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { canonical, events, post, postStream } from './calls.ts'
import { ALARMING, expectError, expectWholeRuns } from './expectations.ts'

let service: TestService

beforeAll(async () => {
  service = await startTestService()
})

afterAll(async () => {
  await service[Symbol.asyncDispose]()
  // Nothing a client sends is a fault of the service.
  expect(service.complaints).toEqual([])
})

const DOORS = ['/v1/agent/stream', '/v1/conversations/activate', '/v1/agent/tool_permission']

describe.each(DOORS)('POST %s', (path) => {
  test.each(['', ' ', '{', '{"cwd":', "{'cwd': 1}", '{"cwd": NaN}', '{}x', '\ufeff{}', 'cwd=/tmp'])(
    'A3: a body that is not JSON is refused in the known shape: %j',
    async (body) => {
      expectError(await post(service, path, body), 400, 'bad_request')
    },
  )

  test.each(['null', '[]', '[{}]', '"text"', '5', 'true', '1e999'])(
    'A3: JSON that is no object is refused in the known shape: %s',
    async (body) => {
      expectError(await post(service, path, body), 400, 'bad_request')
    },
  )

  test('an empty object is refused with the name of what is missing', async () => {
    const answer = await post(service, path, {})
    expectError(answer, 400, 'bad_request', { message: 'conversation_id is required.' })
  })

  test('JSON nested a hundred thousand deep is refused and harms nobody', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expectError(await post(service, path, `{"conversation_id":${deep}}`), 400, 'bad_request')
  })
})

const BAD_IDS = [
  '',
  ' ',
  '-a',
  '.a',
  '_a',
  'a b',
  'a/b',
  'a\nb',
  'ä',
  'a%20b',
  'x'.repeat(129),
  5,
  null,
  true,
  {},
  ['a'],
]

describe.each(DOORS)('a conversation_id at POST %s', (path) => {
  test.each(BAD_IDS)('that is %j is refused', async (id) => {
    const more = { text: 'hello', permission_id: '0'.repeat(32), behavior: 'allow' }
    const answer = await post(service, path, { conversation_id: id, cwd: service.folder(), ...more })
    expectError(answer, 400, 'bad_request')
  })

  test('may be 128 characters of all allowed kinds', async () => {
    const folder = service.folder()
    const id = `0Aa._-${folder.split('-').at(-1)?.padStart(122, 'z')}`
    const more = { text: 'hello', permission_id: '0'.repeat(32), behavior: 'allow' }
    const answer = await post(service, path, { conversation_id: id, cwd: folder, ...more })
    expect(id).toHaveLength(128)
    expect(answer.status).toBe(path.endsWith('tool_permission') ? 404 : 200)
  })
})

/** Folders that cannot be: given a fresh folder, each makes the `cwd` to send. */
const BAD_FOLDERS: Record<string, (folder: string) => unknown> = {
  missing: () => undefined,
  null: () => null,
  'a number': () => 5,
  'a list': (folder) => [folder],
  empty: () => '',
  blank: () => ' \t\n',
  'with NUL': (folder) => `${folder}\0`,
  'of a user nobody knows': () => '~nosuchuser/x',
  relative: () => 'relative/path',
  here: () => '.',
  above: () => '../..',
  'a URL': (folder) => `file://${folder}`,
  'not there': (folder) => join(folder, 'missing'),
  'a file': (folder) => {
    writeFileSync(join(folder, 'file'), '')
    return join(folder, 'file')
  },
  'below a file': (folder) => {
    writeFileSync(join(folder, 'file'), '')
    return join(folder, 'file/x')
  },
  'a link to itself': (folder) => {
    symlinkSync('loop', join(folder, 'loop'))
    return join(folder, 'loop')
  },
  'longer than a path can be': (folder) => join(folder, 'x'.repeat(5000)),
  'with a name longer than one can be': (folder) => join(folder, 'x'.repeat(300)),
  'with a lone surrogate': (folder) => `${folder}/\ud800`,
}

describe.each(Object.entries(BAD_FOLDERS))('a cwd that is %s', (_, make) => {
  test('A2, C2: is refused, claims nothing, and the id is free for a good one', async () => {
    const folder = service.folder()
    const id = `c-${folder.split('-').at(-1)}`
    const body = { conversation_id: id, cwd: make(folder) }
    expectError(await postStream(service, { ...body, text: 'hello' }), 400, 'bad_request')
    expectError(await postStream(service, body), 400, 'bad_request')
    expectError(await post(service, '/v1/conversations/activate', body), 400, 'bad_request')
    if (typeof body.cwd === 'string') {
      const query = `?cwd=${encodeURIComponent(body.cwd.toWellFormed())}`
      expect(await canonical(service, body.cwd.toWellFormed())).toMatchObject({ status: 400 })
      expect((await events(service, id, query)).status).toBeOneOf([400, 404])
    }
    expectError(await events(service, id), 404, 'conversation_unknown')
    expect((await canonical(service, folder)).json).toMatchObject({ created: true })
    expectWholeRuns(await streamAll(service.base, { conversation_id: id, cwd: folder, text: 'hello' }), 1)
  })
})

/** Fields of a run that cannot be read, as JSON: some of it no object of ours could hold. */
const BAD_FIELDS = [
  '"text": 5',
  '"text": {}',
  '"text": ["hello"]',
  '"text": "\\ud800"',
  '"text": "\\udc00\\ud800"',
  '"system_prompt": 5',
  '"system_prompt": "\\ud83d"',
  '"conversation_group": 5',
  '"allowed_tools": "Bash"',
  '"allowed_tools": [5]',
  '"allowed_tools": {"0": "Bash"}',
  '"tool_approvals": "allow"',
  '"tool_approvals": []',
  '"tool_approvals": {"allow": "Bash"}',
  '"tool_approvals": {"deny": [null]}',
  '"max_turns": "5"',
  '"max_turns": 1.5',
  '"max_turns": -1',
  '"max_turns": 1e999',
  '"max_turns": 1e20',
  '"model": 5',
  '"model": ""',
  '"permission_mode": "nonsense"',
  '"permission_mode": "bypassPermissions"',
  '"permission_mode": "auto"',
  '"mcp_servers": 5',
  '"mcp_servers": []',
  '"mcp_servers": {"x": {}}',
  '"mcp_servers": {"x": {"type": "sdk", "name": "x"}}',
  '"mcp_servers": {"x": {"command": ["touch"]}}',
  '"mcp_servers": "/etc/mcp.json"',
  '"resume": "latest"',
  '"continue_conversation": "yes"',
  '"settings": {"env": {}}',
  '"settings": "/etc/settings.json"',
  '"settings": []',
  '"setting_sources": ["everywhere"]',
  '"setting_sources": "user"',
]

test.each(BAD_FIELDS)('A2, C2: a run with %s is refused and claims neither id nor folder', async (field) => {
  const folder = service.folder()
  const id = `f-${folder.split('-').at(-1)}`
  const text = field.startsWith('"text"') ? '' : ', "text": "hello"'
  const body = `{"conversation_id": "${id}", "cwd": ${JSON.stringify(folder)}${text}, ${field}}`
  const answer = await postStream(service, body)
  expectError(answer, 400, 'bad_request')
  expect(answer.headers.connection).toBe('close')
  expectError(await events(service, id), 404, 'conversation_unknown')
  expect((await canonical(service, folder)).json).toMatchObject({ created: true })
  expectWholeRuns(await streamAll(service.base, { conversation_id: id, cwd: folder, text: 'hello' }), 1)
})

test('A2: settings nested ten thousand deep do not wedge a trusted folder', async () => {
  await using elsewhere = await startTestService()
  const cwd = elsewhere.folder()
  await using trusting = await startTestService({ config: { trustedRoots: [cwd] } })
  const deep = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`
  const body = `{"conversation_id": "deep", "cwd": ${JSON.stringify(cwd)}, "text": "hello", "settings": ${deep}}`
  // Run or refused; but what is refused is not kept.
  const answer = await postStream(trusting, body)
  expect(answer.status).toBeOneOf([200, 400])
  const next = await streamAll(trusting.base, { conversation_id: 'deep', cwd, text: 'again' })
  expectWholeRuns(next, answer.status === 200 ? 2 : 1)
  expect(trusting.complaints).toEqual([])
})

test('fields that are null count as absent', async () => {
  const names = ['allowed_tools', 'system_prompt', 'max_turns', 'tool_approvals', 'model', 'mcp_servers', 'resume']
  const more = ['permission_mode', 'settings', 'setting_sources', 'continue_conversation', 'conversation_group']
  const nulls = Object.fromEntries([...names, ...more].map((name) => [name, null]))
  const body = { conversation_id: 'nulls', cwd: service.folder(), text: 'hello', ...nulls }
  expectWholeRuns(await streamAll(service.base, body), 1)
})

test.each(['x', '-1', '1.5', '1e3', '+1', '0x10', '9'.repeat(16), '1, 2', 'NaN', '١'])(
  'a position of %j is refused as since and as Last-Event-ID',
  async (position) => {
    const body = { conversation_id: 'position', cwd: service.folder('position') }
    await streamAll(service.base, { ...body, text: 'hello' })
    const since = await events(service, 'position', `?since=${encodeURIComponent(position)}`)
    expectError(since, 400, 'bad_request')
    if (/[^\x20-\x7e]/.test(position)) return // no header can hold it
    const header = { 'last-event-id': position }
    expectError(await postStream(service, { ...body, text: 'hello' }, header), 400, 'bad_request')
  },
)

test('an empty Last-Event-ID is none', async () => {
  const body = { conversation_id: 'empty-header', cwd: service.folder(), text: 'hello' }
  expect((await postStream(service, body, { 'last-event-id': '' })).text).toMatch(/^id: 1\n/)
})

test.each([
  { permission_id: '' },
  { permission_id: 5 },
  { permission_id: 'x'.repeat(129) },
  { behavior: 'maybe' },
  { behavior: true },
  { behavior: null },
  { message: 5 },
  { message: '\ud800' },
  { cwd: 'relative\0' },
])('an answer with %j is refused', async (field) => {
  const good = { conversation_id: 'answer', permission_id: '0'.repeat(32), behavior: 'deny' }
  expectError(await post(service, '/v1/agent/tool_permission', { ...good, ...field }), 400, 'bad_request')
})

test.each([
  'canonical',
  'canonical?cwd=',
  'canonical?cwd=%20',
  'canonical?cwd',
  'canonical?cwd=%',
  'canonical?cwd=%ff',
])('GET /v1/conversations/%s is refused', async (path) => {
  expectError(await call(`${service.base}/v1/conversations/${path}`), 400, 'bad_request')
})

test.each([
  'network-tool',
  'Socket/Timeout',
  'LOST reset abort',
  'ebadf.broken pipe',
  'disconnected connection',
  // The end of an escape and what follows can make such a word: the escape must not be torn.
  'üonnection',
  'úbort',
  '«ort',
  '\u0ebadf',
  '\network',
  '\timeout',
  '\reset',
  '\broken pipe',
  '\\network',
])('an error that names %j keeps its meaning without the words that the app takes for a broken line', async (name) => {
  const cwd = join(service.folder(), name, 'gone')
  const answer = await postStream(service, { conversation_id: 'words', cwd, text: 'hello' })
  expectError(answer, 400, 'bad_request', { message: `cwd does not exist: ${cwd}` })
  expect(answer.text).not.toMatch(ALARMING)
})

test('a conflict that names an alarming folder does not sound alarming', async () => {
  const cwd = service.folder('network-timeout')
  mkdirSync(join(cwd, 'socket'))
  await streamAll(service.base, { conversation_id: 'conflict', cwd, text: 'hello' })
  const body = { conversation_id: 'conflict', cwd: join(cwd, 'socket'), text: 'hello' }
  const answer = await postStream(service, body)
  expectError(answer, 409, 'conversation_cwd_mismatch', { expected_cwd: cwd, got_cwd: body.cwd })
  expect(answer.text).not.toMatch(ALARMING)
})
