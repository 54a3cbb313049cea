import { createRunDiff } from '@claude-proxy/protocol/run-diff'
import * as fc from 'fast-check'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call, stream } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { runIdOf } from './calls.ts'
import { expectError } from './expectations.ts'

const diff = (service: TestService, id: string, run: string) =>
  call(`${service.base}/v1/conversations/${id}/runs/${run}/diff`)

test('what the real agent edited in a run is told by file, and what it may have done besides', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  mkdirSync(join(cwd, 'sub'))
  writeFileSync(join(cwd, 'a.txt'), 'one\ntwo\nthree\n')
  const path = join(cwd, 'a.txt')
  const edit = { file_path: path, old_string: 'two', new_string: 'zwei' }
  const lines = [
    '@write sub/new.txt hello\\nworld\\n',
    `@tool Read ${JSON.stringify({ file_path: path })}`,
    `@tool Edit ${JSON.stringify(edit)}`,
    `@tool Edit ${JSON.stringify({ ...edit, old_string: 'one', new_string: 'eins' })}`,
    `@tool Edit ${JSON.stringify({ ...edit, old_string: 'not there' })}`,
    '@bash rm -f sub/new.txt',
  ]
  const body = { conversation_id: 'edits', cwd, tool_approvals: { allow: ['*'] } }
  const running = await stream(service.base, { ...body, text: lines.join('\n') })
  const received = await running.ended
  const later = await stream(service.base, { ...body, text: '@write other.txt x' }, received.length)
  await later.ended
  const { status, json } = await diff(service, 'edits', runIdOf(running))
  expect(status).toBe(200)
  expect(json).toEqual({
    conversation_id: 'edits',
    run_id: runIdOf(running),
    files: [
      {
        path: join(cwd, 'sub/new.txt'),
        status: 'added',
        additions: 2,
        deletions: 0,
        edits: [{ seq: expect.any(Number), tool_name: 'Write', patch: '@@ -0,0 +1,2 @@\n+hello\n+world' }],
      },
      {
        path,
        status: 'modified',
        additions: 2,
        deletions: 2,
        edits: [
          { seq: expect.any(Number), tool_name: 'Edit', patch: '@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three' },
          { seq: expect.any(Number), tool_name: 'Edit', patch: '@@ -1,3 +1,3 @@\n-one\n+eins\n zwei\n three' },
        ],
      },
    ],
    unknown: [{ tool_name: 'Bash', calls: 1 }],
    truncated: false,
  })
  expect((await diff(service, 'edits', runIdOf(later))).json).toMatchObject({
    files: [{ path: join(cwd, 'other.txt') }],
  })
})

test("a run that is not the conversation's is unknown", async () => {
  await using service = await startTestService()
  const running = await stream(service.base, { conversation_id: 'one', cwd: service.folder(), text: 'Hello' })
  await running.ended
  expect((await diff(service, 'one', runIdOf(running))).json).toMatchObject({ files: [], unknown: [] })
  expectError(await diff(service, 'two', runIdOf(running)), 404, 'run_unknown')
  expectError(await diff(service, 'one', 'nothing'), 404, 'run_unknown')
})

test('an edit that never came back, or did not say what it did, is unknown; a refused one did nothing', () => {
  const reading = createRunDiff()
  const calls = (id: string) => ({ message: { content: [{ type: 'tool_use', id, name: 'Edit', input: {} }] } })
  const gives = (id: string, told: unknown, isError = false) => ({
    message: { content: [{ type: 'tool_result', tool_use_id: id, is_error: isError }] },
    tool_use_result: told,
  })
  const events = [calls('a'), calls('b'), calls('c'), gives('a', 'updated'), gives('b', 'Error: no', true)]
  for (const [n, event] of events.entries()) reading.take(n + 1, event)
  expect(reading.result()).toEqual({ files: [], unknown: [{ tool: 'Edit', calls: 2 }], isCut: false })
})

test('no event, whatever it looks like, breaks the reading', () => {
  const hunk = fc.oneof(fc.jsonValue(), fc.record({ lines: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())) }))
  const told = fc.record({
    filePath: fc.oneof(fc.string(), fc.jsonValue()),
    structuredPatch: fc.array(hunk),
    type: fc.constantFrom('create', 'update'),
  })
  fc.assert(
    fc.property(fc.oneof(told, fc.jsonValue()), fc.jsonValue(), (result, noise) => {
      const reading = createRunDiff()
      reading.take(1, noise)
      reading.take(2, { message: { content: [{ type: 'tool_use', id: 'a', name: 'Write', input: noise }, noise] } })
      reading.take(3, { message: { content: [{ type: 'tool_result', tool_use_id: 'a' }] }, tool_use_result: result })
      const { files, unknown } = reading.result()
      expect(files.length + unknown.length).toBe(1)
    }),
  )
})
