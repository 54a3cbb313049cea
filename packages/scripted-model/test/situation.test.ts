import { expect, test } from 'vitest'
import { readRequest } from '../src/request.ts'
import { replyTo } from '../src/reply.ts'
import { readSituation } from '../src/situation.ts'

const REMINDER = '<system-reminder>\nBe nice.\n</system-reminder>\n'
const ENVIRONMENT = {
  role: 'system',
  content: [{ type: 'text', text: '# Environment\n - Primary working directory: /home/me/my project\n - Is a git' }],
}
const RESULT = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'ok' }] }

function user(...texts: string[]) {
  return { role: 'user', content: texts.map((text) => ({ type: 'text', text })) }
}

function assistant(text: string) {
  return { role: 'assistant', content: [{ type: 'text', text }] }
}

function situation(...messages: object[]) {
  const request = readRequest(JSON.stringify({ messages }))
  if (request === undefined) throw new Error('unreadable')
  return readSituation(request)
}

function answer(...messages: object[]) {
  return replyTo(situation(...messages), true, 0)
}

function said(text: string) {
  return { kind: 'answer', blocks: [{ type: 'text', text }], delayMs: 0 }
}

function written(file_path: string) {
  const input = { file_path, content: 'x' }
  return { kind: 'answer', blocks: [{ type: 'call', tool: 'Write', input }], delayMs: 0 }
}

test('the prompt is what the person said, not what the CLI puts beside it', () => {
  expect(situation(user(REMINDER, 'Hello'), ENVIRONMENT)).toEqual({
    prompts: ['Hello'],
    stepsDone: 0,
    asksFor: 'step',
    cwd: '/home/me/my project',
  })
})

test('steps are counted by the responses since the last prompt', () => {
  const talk = [user('@bash a'), assistant('one'), RESULT, assistant('two'), user('again')]
  expect(situation(...talk)).toMatchObject({ prompts: ['@bash a', 'again'], stepsDone: 0 })
  expect(situation(...talk.slice(0, 3))).toMatchObject({ prompts: ['@bash a'], stepsDone: 1 })
})

test('a prompt after a failed turn stands in the same message as the one before', () => {
  expect(situation(user(REMINDER, '@status 529\n', 'Hello'))).toMatchObject({ prompts: ['@status 529', 'Hello'] })
})

test('a prompt after an interrupted turn is answered from its first step', () => {
  const talk = [user('@hang', '[Request interrupted by user]'), assistant('No response requested.'), user('@bash b')]
  expect(situation(...talk)).toMatchObject({ prompts: ['@hang', '@bash b'], stepsDone: 0 })
})

test('the news of a background task is answered with a word', () => {
  const news = '<system-reminder>\n<task-notification>\n<task-id>a</task-id>\n</task-notification>\n</system-reminder>'
  const talk = [user('@tool Agent {}'), assistant('x'), RESULT, assistant('y')]
  expect(answer(...talk, user(news))).toEqual(
    said('I am a script, not a model. I have heard that a background task is over.'),
  )
  expect(situation(...talk, user(news), assistant('z'), user('next'))).toMatchObject({ asksFor: 'step', stepsDone: 0 })
})

test('the news of a background task beside a tool result does not stop the script', () => {
  const both = { role: 'user', content: [...RESULT.content, ...user('<task-notification>x').content] }
  expect(situation(user('@bash a'), assistant('x'), both)).toMatchObject({ asksFor: 'step', stepsDone: 1 })
})

test('a summary has the form that the CLI asks for', () => {
  const reply = answer(user('My name is Ada.'), assistant('x'), user('CRITICAL: Respond with TEXT ONLY. Do NOT …'))
  expect(JSON.stringify(reply)).toMatch(/<analysis>.*<summary>.*My name is Ada\..*<\/summary>/)
})

test('a prompt without directives is said back, with the earlier ones', () => {
  expect(answer(user('Hello'))).toEqual(said('I am a script, not a model. You said: Hello'))
  expect(answer(user('Remember fig.'), assistant('x'), user('Which?'))).toEqual(
    said('I am a script, not a model. You said: Which?\n\nEarlier you said: (1) Remember fig.'),
  )
})

test('the last response holds the texts that no call follows', () => {
  const talk = [user('Remember fig.'), assistant('x'), user('@recall\n@text 5')]
  expect(answer(...talk)).toEqual(
    said(
      'Earlier you said: (1) Remember fig.\n\nThe s\n\nI am a script, not a model. I have followed your directives.',
    ),
  )
})

test('what is written gets the full path when the CLI has said where it is', () => {
  expect(answer(user('@write a/b.txt x'), ENVIRONMENT)).toEqual(written('/home/me/my project/a/b.txt'))
  expect(answer(user('@write a/b.txt x'))).toEqual(written('a/b.txt'))
  expect(answer(user('@write /tmp/b.txt x'), ENVIRONMENT)).toEqual(written('/tmp/b.txt'))
})

test('a step is refused as often as it is asked for', () => {
  const now = situation(user('@status 529 2\n@status 429 1\n@end ok'))
  const replies = [0, 1, 2, 3].map((refused) => replyTo(now, true, refused))
  expect(replies).toEqual([
    { kind: 'refusal', status: 529 },
    { kind: 'refusal', status: 529 },
    { kind: 'refusal', status: 429 },
    said('ok'),
  ])
})

test('a request without tools is not answered with a call', () => {
  expect(replyTo(situation(user('@bash a')), false, 0)).toEqual(
    said('I am a script, not a model. I have no tools here.'),
  )
})

test('a script that is over says so', () => {
  expect(answer(user('@end bye'), assistant('bye'), user(REMINDER))).toEqual(
    said('I am a script, not a model. My script is over.'),
  )
})
