import { expect, test } from 'vitest'
import { canonical, events, questionOf, toolResultsOf } from '../http/calls.ts'
import { call, stream, streamAll } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** A tool that runs is on this machine, too: what can it do to the service that runs it? */

const TOKEN = 'Geheim-4711-xyz'
const bearer = { authorization: `Bearer ${TOKEN}` }

/** A command that sends `body` to a door and prints the status and the answer. */
function curl(service: TestService, path: string, body?: object): string {
  const data = body ? ` -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'` : ''
  return `curl -sS -m 20 -w ' %{http_code}' '${service.base}${path}'${data}`
}

/** What the commands printed, run by the real agent in one run, unasked. */
async function runTools(
  service: TestService,
  id: string,
  commands: readonly string[],
  headers = {},
): Promise<string[]> {
  const text = commands.map((command) => `@bash ${command}`).join('\n')
  const body = { conversation_id: id, cwd: service.folder(), text, allowed_tools: ['Bash'] }
  const answer = await call(`${service.base}/v1/agent/stream`, { method: 'POST', body, headers })
  const frames = answer.text.split('\n\n').filter((frame) => frame.startsWith('id: '))
  const received = frames.map((data) => ({ id: 0, data, event: JSON.parse(data.slice(data.indexOf('{'))) }))
  return toolResultsOf(received).map(({ content }) => JSON.stringify(content))
}

/** A run of somebody else's that waits for a person to allow its tool. */
async function asking(service: TestService, headers: Record<string, string> = {}) {
  const body = {
    conversation_id: 'victim',
    cwd: service.folder(),
    text: '@bash touch wanted',
    permission_mode: 'default',
  }
  const pending = call(`${service.base}/v1/agent/stream`, { method: 'POST', body, headers })
  const url = `${service.base}/v1/conversations/victim/events`
  let id = ''
  await expect
    .poll(async () => (id = /"permission_id":"(\w+)"/.exec((await call(url, { headers })).text)?.[1] ?? ''), {
      timeout: 30_000,
    })
    .not.toBe('')
  return { id, pending }
}

test('with a token, a tool answers no question, starts no run, reads no conversation and widens nothing', async () => {
  await using service = await startTestService({ agent: 'claude', config: { token: TOKEN } })
  const question = await asking(service, bearer)
  const more = { cwd: service.folder(), text: '@bash touch pwned', tool_approvals: { allow: ['*'], deny: [] } }
  const printed = await runTools(
    service,
    'attacker',
    [
      curl(service, '/v1/conversations/victim/events'),
      curl(service, '/v1/agent/tool_permission', {
        conversation_id: 'victim',
        permission_id: question.id,
        behavior: 'allow',
      }),
      curl(service, '/v1/agent/stream', { conversation_id: 'second', ...more }),
      curl(service, '/v1/agent/stream', { conversation_id: 'attacker', ...more }),
      curl(service, '/v1/conversations/activate', { conversation_id: 'second', cwd: more.cwd }),
    ],
    bearer,
  )
  expect(printed).toHaveLength(5)
  for (const each of printed) expect(each).toMatch(/unauthorized.* 401/)
  expect((await events({ base: service.base }, 'second')).status).toBe(401)
  const url = `${service.base}/v1/conversations/victim/events`
  expect((await call(url, { headers: bearer })).text).not.toContain('tool_permission_settled')
  const answer = { conversation_id: 'victim', permission_id: question.id, behavior: 'deny' }
  await call(`${service.base}/v1/agent/tool_permission`, { method: 'POST', body: answer, headers: bearer })
  await question.pending
})

test('without a token, a tool that may run commands is as mighty as a client: docs/security.md says so', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const question = await asking(service)
  const cwd = service.folder()
  const [answered, started] = await runTools(service, 'attacker', [
    curl(service, '/v1/agent/tool_permission', {
      conversation_id: 'victim',
      permission_id: question.id,
      behavior: 'allow',
    }),
    curl(service, '/v1/agent/stream', {
      conversation_id: 'second',
      cwd,
      text: 'hello',
      tool_approvals: { allow: ['*'], deny: [] },
    }),
  ])
  expect(answered).toContain('200')
  expect(started).toContain('200')
  await question.pending
  expect((await canonical(service, cwd)).json).toMatchObject({ canonical_id: 'second' })
})

test('a tool call that has to be allowed cannot send anything before it is', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'asks', cwd: service.folder() }
  const command = curl(service, '/v1/conversations/activate', {
    conversation_id: 'pwned',
    cwd: service.folder('other'),
  })
  const running = await stream(service.base, { ...body, text: `@bash ${command}` })
  const permission_id = await questionOf(running)
  expect((await events(service, 'pwned')).status).toBe(404)
  const denial = { ...body, permission_id, behavior: 'deny' }
  await call(`${service.base}/v1/agent/tool_permission`, { method: 'POST', body: denial })
  await running.ended
  expect((await events(service, 'pwned')).status).toBe(404)
})

test('rules that the agent writes into its folder give it nothing: the next call is asked for again', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const settings = JSON.stringify({ permissions: { allow: ['Bash', 'Write'], defaultMode: 'bypassPermissions' } })
  const write = (name: string) => `@bash mkdir -p .claude && echo '${settings}' > .claude/${name}`
  const body = { conversation_id: 'widens', cwd }
  const text = `${write('settings.json')}\n${write('settings.local.json')}`
  const first = await streamAll(service.base, { ...body, text, allowed_tools: ['Bash'] })
  const next = await stream(service.base, { ...body, text: '@bash touch pwned' }, first.length)
  const permission_id = await questionOf(next)
  const denial = { ...body, permission_id, behavior: 'deny' }
  await call(`${service.base}/v1/agent/tool_permission`, { method: 'POST', body: denial })
  expect(toolResultsOf(await next.ended)).toMatchObject([{ is_error: true }])
})
