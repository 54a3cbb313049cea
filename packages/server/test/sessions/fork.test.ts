import { readdirSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { call, type Received, replay } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { fork, lastSaid, newConversation, say } from './doors.ts'
import { transcriptOf } from './terminal.ts'

/** Many starts of an agent: on a busy machine they take their time. */
const LONG = { timeout: 180_000 }

test('each branch of a fork has its own history at the model, also that of a fork of a fork', LONG, async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const source = await newConversation(service, cwd)
  for (const text of ['Alpha.', 'Beta.\n@bash echo hi', 'Gamma.']) await say(service, source, text)
  const events = await replay(service.base, source)
  const branch = await forked(service, source, endOf(events, 2))
  await say(service, branch, 'Delta.')
  // A place that the fork has from the source, and one of its own.
  const early = await forked(service, branch, endOf(events, 1))
  const late = await forked(service, branch, (await replay(service.base, branch)).length)
  // Before an answer: the prompt is the last that it knows.
  const asked = await forked(service, source, numberOf(events, 'Gamma.'))
  await service.restart()
  expect(await recalled(service, source)).toEqual(['Alpha.', 'Beta.', 'Gamma.'])
  expect(await recalled(service, branch)).toEqual(['Alpha.', 'Beta.', 'Delta.'])
  expect(await recalled(service, early)).toEqual(['Alpha.'])
  expect(await recalled(service, late)).toEqual(['Alpha.', 'Beta.', 'Delta.'])
  expect(await recalled(service, asked)).toEqual(['Alpha.', 'Beta.', 'Gamma.'])
})

test('a conversation whose agent died in a tool call can be forked at its end, and goes on', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const source = await newConversation(service, service.folder())
  await say(service, source, 'Alpha.')
  const url = `${service.base}/v1/conversations/${source}`
  await call(`${url}/messages`, { method: 'POST', body: { text: '@bash sleep 60', allowed_tools: ['Bash'] } })
  const calls = async () => (await replay(service.base, source)).some(({ data }) => data.includes('sleep 60","desc'))
  await expect.poll(calls, { timeout: 20_000 }).toBe(true)
  await service.restart()
  const branch = await forked(service, source)
  expect(await recalled(service, branch)).toEqual(['Alpha.', '@bash sleep 60'])
})

test('a session that the agent no longer has is not forked, and no files are left', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const source = await newConversation(service, cwd)
  await say(service, source, 'Alpha.')
  const directory = dirname(transcriptOf(service, cwd, 'any'))
  const file = readdirSync(directory).find((name) => name.endsWith('.jsonl'))
  await service.pause(() => rename(`${directory}/${file}`, `${directory}/gone`))
  expect(await fork(service, source)).toMatchObject({ status: 404, json: { error: 'session_unknown' } })
  expect(readdirSync(directory).filter((name) => name.endsWith('.jsonl'))).toEqual([])
})

async function forked(service: TestService, id: string, from?: number): Promise<string> {
  const answer = await fork(service, id, { from })
  if (answer.status !== 200) throw new Error(answer.text)
  return String(answer.json?.['conversation_id'])
}

/** The prompts that the model was shown, as it says them back. */
async function recalled(service: TestService, id: string): Promise<string[]> {
  await say(service, id, '@recall')
  return [...(await lastSaid(service, id)).matchAll(/^(?:Earlier you said: )?\(\d\) (.*)$/gm)].map(
    ([, text = '']) => text,
  )
}

/** The number of the event that ended the run. */
function endOf(events: readonly Received[], run: number): number {
  return events.filter(({ event }) => event.type === 'result')[run - 1]?.id ?? 0
}

function numberOf(events: readonly Received[], words: string): number {
  return events.find(({ event, data }) => event.type === 'user' && data.includes(words))?.id ?? 0
}
