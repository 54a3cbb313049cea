import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonical, events, post, postStream } from '../http/calls.ts'
import { expectError, expectWholeRuns } from '../http/expectations.ts'
import { streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

let service: TestService

beforeAll(async () => {
  service = await startTestService()
})

afterAll(() => service[Symbol.asyncDispose]())

const ROOTS = 'CLAUDE_PROXY_TRUSTED_ROOTS'
const BYPASS = 'CLAUDE_PROXY_ALLOW_BYPASS'

/** Options that run code or open the door to it, and what of the configuration opens them. */
const DANGEROUS: [option: string, value: unknown, key: string][] = [
  ['mcp_servers', { x: { command: 'touch', args: ['pwned'] } }, ROOTS],
  ['mcp_servers', { x: { type: 'stdio', command: 'touch' } }, ROOTS],
  ['mcp_servers', { fine: { type: 'http', url: 'http://127.0.0.1:1/' }, x: { command: 'touch' } }, ROOTS],
  ['mcp_servers', '.mcp.json', ROOTS],
  ['mcp_servers', '/etc/mcp.json', ROOTS],
  ['settings', { hooks: {} }, ROOTS],
  ['settings', {}, ROOTS],
  ['settings', '{"apiKeyHelper":"touch pwned"}', ROOTS],
  ['settings', '.claude/settings.json', ROOTS],
  ['setting_sources', ['user'], ROOTS],
  ['setting_sources', ['project', 'local'], ROOTS],
  ['permission_mode', 'bypassPermissions', BYPASS],
  ['permission_mode', 'auto', BYPASS],
]

/** Nothing opens these. */
const NEVER: [option: string, value: unknown][] = [
  ['resume', 'my favourite session'],
  ['resume', '../../other'],
  ['extra_args', { 'dangerously-skip-permissions': null }],
  ['extra_args', ['--dangerously-skip-permissions']],
  ['extra_args', '--mcp-config x'],
]

describe('an option that can run code', () => {
  test.each(DANGEROUS)(
    '%s: %j is refused with its name and with what opens it, and nothing is kept',
    async (...row) => {
      const [option, value, key] = row
      await expectRefused({ [option]: value }, [option, key])
    },
  )

  test.each(NEVER)('%s: %j is refused with its name, and nothing is kept', async (option, value) => {
    await expectRefused({ [option]: value }, [option])
  })
})

test.each([
  { permission_mode: 'default' },
  { permission_mode: 'plan' },
  { permission_mode: 'acceptEdits' },
  { permission_mode: 'dontAsk' },
  { setting_sources: [] },
  { mcp_servers: {} },
  { mcp_servers: { x: { type: 'http', url: 'http://127.0.0.1:1/mcp', headers: { authorization: 'x' } } } },
  { extra_args: {} },
  { extra_args: null },
  { resume: '0f0b1a2c-7e1f-4a6e-8a0b-0c5a6a3b1234' },
])('what does no harm passes: %j', async (option) => {
  const cwd = service.folder()
  const body = { conversation_id: `h-${cwd.split('-').at(-1)}`, cwd, text: 'hello', ...option }
  expectWholeRuns(await streamAll(service.base, body), 1)
  expect((await post(service, '/v1/agent/prepare', { cwd, ...option })).status).toBe(200)
})

test('in a trusted folder also that passes which the original loads there', async () => {
  const cwd = service.folder('trusted')
  mkdirSync(join(cwd, '.claude'))
  writeFileSync(join(cwd, '.claude/settings.json'), '{}')
  await using trusting = await startTestService({ config: { trustedRoots: [cwd] } })
  const rows = DANGEROUS.filter(([, , key]) => key === ROOTS)
  for (const [n, [option, value]] of rows.entries()) {
    const body = { conversation_id: 'trusted', cwd, text: `number ${n}`, [option]: value }
    expect((await streamAll(trusting.base, body)).at(-1)?.event).toMatchObject({ type: 'result', is_error: false })
  }
  for (const [option, value] of NEVER)
    expectError(
      await postStream(trusting, { conversation_id: 'trusted', cwd, text: 'x', [option]: value }),
      400,
      'bad_request',
    )
})

async function expectRefused(option: object, named: readonly string[]): Promise<void> {
  const cwd = service.folder()
  const id = `d-${cwd.split('-').at(-1)}`
  const answers = [
    await postStream(service, { conversation_id: id, cwd, text: 'hello', ...option }),
    await post(service, '/v1/agent/prepare', { cwd, ...option }),
  ]
  for (const answer of answers) {
    expectError(answer, 400, 'bad_request')
    for (const name of named) expect(answer.json?.['message']).toContain(name)
  }
  expectError(await events(service, id), 404, 'conversation_unknown')
  expect((await canonical(service, cwd)).json).toMatchObject({ created: true })
}
