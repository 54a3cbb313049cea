import { expect, test } from 'vitest'
import { NO_CREDENTIALS } from '../../src/agents/claude/environment.ts'
import { call, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { expectWholeRuns } from './expectations.ts'

test('without anything to log in with, a run ends at once with one result that says what to do', async () => {
  await using service = await startTestService({ agent: 'claude', environment: { ANTHROPIC_API_KEY: '' } })
  expect((await call(`${service.base}/healthz`)).json).toMatchObject({ status: 'ok' })
  const body = { conversation_id: 'nobody', cwd: service.folder(), text: 'hello' }
  const received = await streamAll(service.base, body)
  expectWholeRuns(received, 1)
  expect(received.map(({ event }) => event.type)).toEqual(['user', 'result'])
  expect(received.at(-1)?.event).toMatchObject({ is_error: true, result: NO_CREDENTIALS })
  expect(NO_CREDENTIALS).toContain('ANTHROPIC_API_KEY')
  // And the folder is free for the next try.
  expectWholeRuns(await streamAll(service.base, { ...body, text: 'again' }, received.length), 1, received.length + 1)
  expect(service.model?.requests()).toEqual([])
})

test('a key that the API refuses is an error result, too', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const body = { conversation_id: 'refused', cwd: service.folder(), text: '@status 401' }
  const received = await streamAll(service.base, body)
  expectWholeRuns(received, 1)
  expect(received.at(-1)?.event).toMatchObject({ is_error: true, result: expect.stringMatching(/\w/) })
})
