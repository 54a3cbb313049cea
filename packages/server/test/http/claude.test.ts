import { expect, test } from 'vitest'
import { streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'
import { textsOf } from './calls.ts'
import { contractSuite } from './contract/suite.ts'
import { CLAUDE } from './words.ts'

contractSuite('claude', CLAUDE)

test('the second prompt remembers the first, also after a restart and under another id', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const ask = async (id: string, text: string, after: number) => {
    const received = await streamAll(service.base, { conversation_id: id, cwd, text }, after)
    return { said: textsOf(received).join('\n'), head: received.at(-1)?.id ?? 0 }
  }
  const first = await ask('memory', 'My number is 4711.', 0)
  const second = await ask('memory', 'And?\n@recall', first.head)
  expect(second.said).toContain('(1) My number is 4711.')
  await service.restart()
  const third = await ask('another-id', 'And now?\n@recall', second.head)
  expect(third.said).toContain('(1) My number is 4711.')
})

test('conversations in two folders do not hear of each other', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const talk = async (id: string) => {
    const body = { conversation_id: id, cwd: service.folder() }
    const { length } = await streamAll(service.base, { ...body, text: `I am ${id}.` })
    return textsOf(await streamAll(service.base, { ...body, text: '@recall' }, length)).join('\n')
  }
  const [left, right] = await Promise.all([talk('left'), talk('right')])
  expect(left).toMatch(/^Earlier you said: \(1\) I am left\.\n\n/)
  expect(right).toMatch(/^Earlier you said: \(1\) I am right\.\n\n/)
})
