import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { query, type SDKMessage } from '@anthropic-ai/claude-agent-sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startScriptedModel, type ScriptedModel } from '../src/model.ts'

let folder: string
let home: string
let model: ScriptedModel

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scripted-cwd-'))
  home = await mkdtemp(join(tmpdir(), 'scripted-home-'))
  model = await startScriptedModel()
})

afterEach(async () => {
  await model.close()
  await rm(folder, { recursive: true })
  await rm(home, { recursive: true })
})

/** One turn of the real Claude Code; in a session that exists already, when it is named. */
async function turn(text: string, session?: string): Promise<Turn> {
  const messages: SDKMessage[] = []
  const turns = query({
    prompt: text,
    options: {
      cwd: folder,
      // From nothing: no setting or account of whoever runs the tests gets in.
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: home,
        ANTHROPIC_API_KEY: 'dummy',
        ANTHROPIC_BASE_URL: model.url,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        CLAUDE_CODE_MAX_RETRIES: '2',
        DISABLE_AUTOUPDATER: '1',
      },
      permissionMode: 'default',
      settingSources: [],
      canUseTool: (_tool, input) => Promise.resolve({ behavior: 'allow', updatedInput: input }),
      ...(session === undefined ? {} : { resume: session }),
    },
  })
  try {
    for await (const message of turns) messages.push(message)
  } catch (error) {
    // The SDK throws after a result that is an error; the result is what the test looks at.
    if (messages.at(-1)?.type !== 'result') throw error
  }
  return new Turn(messages)
}

class Turn {
  readonly messages: readonly SDKMessage[]

  constructor(messages: readonly SDKMessage[]) {
    this.messages = messages
  }

  get session(): string {
    return this.messages.at(-1)?.session_id ?? ''
  }

  /** What the agent said and which tools it called, in order. */
  get said(): string[] {
    return this.messages
      .filter((message) => message.type === 'assistant')
      .flatMap(({ message }) => message.content)
      .flatMap((block) => {
        if (block.type === 'text') return [block.text]
        return block.type === 'tool_use' ? [`${block.name} ${JSON.stringify(block.input)}`] : []
      })
  }

  get results(): string[] {
    return this.messages.flatMap((message) =>
      message.type === 'result' && message.subtype === 'success' ? [message.result] : [],
    )
  }

  get toolResults(): string {
    return JSON.stringify(this.messages.filter((message) => message.type === 'user'))
  }
}

test('the real Claude Code runs a command, writes a file, and remembers turn 1 in turn 2', async () => {
  const first = await turn(
    ['The word is fig.', '@say Let me see.', '@bash echo one', '& @bash echo two', '@write notes/a.txt fig\\n'].join(
      '\n',
    ),
  )
  expect(first.said).toEqual([
    'Let me see.',
    expect.stringContaining('Bash {"command":"echo one"'),
    expect.stringContaining('Bash {"command":"echo two"'),
    `Write ${JSON.stringify({ file_path: join(folder, 'notes/a.txt'), content: 'fig\n' })}`,
    'I am a script, not a model. I have followed your directives: 2 steps.',
  ])
  expect(first.toolResults).toContain('"content":"one"')
  expect(await readFile(join(folder, 'notes/a.txt'), 'utf8')).toBe('fig\n')

  const second = await turn('@recall', first.session)
  expect(second.results).toEqual([expect.stringMatching(/^Earlier you said: \(1\) The word is fig\./)])
})

test('the directives in a prompt for a subagent work, and its end is answered with a word', async () => {
  const prompt = `@bash echo from the sub > ${join(folder, 'sub.txt')}\n@end The sub is done.`
  const run = await turn(
    `@tool Agent ${JSON.stringify({ description: 'A sub', prompt, subagent_type: 'general-purpose' })}`,
  )
  expect(await readFile(join(folder, 'sub.txt'), 'utf8')).toBe('from the sub\n')
  expect(run.results).toEqual([
    'I am a script, not a model. I have followed your directives: 1 step.',
    'I am a script, not a model. I have heard that a background task is over.',
  ])
  expect(model.requests().some((request) => request.isSubagent)).toBe(true)
})

test('a refused request is tried again, and a failed turn does not spoil the next one', async () => {
  const first = await turn('@status 529 1\n@bash echo one\n@status 400')
  expect(first.said.at(0)).toContain('echo one')
  expect(first.results.at(-1)).toContain('The script refuses with 400.')
  const second = await turn('Are you there?', first.session)
  expect(second.results).toEqual([expect.stringMatching(/^I am a script, not a model. You said: Are you there\?/)])
})

test('a conversation can be made shorter', async () => {
  const first = await turn('The word is fig.')
  const before = model.requests().length
  await turn('/compact', first.session)
  expect(model.requests().length - before).toBe(1)
  const third = await turn('Go on.', first.session)
  expect(third.results.at(-1)).toContain('You said: Go on.')
})
