import type { ModelMessage, ModelRequest } from './request.ts'

/** Where a conversation stands, read from the messages that the CLI sends along with every request. */
export interface Situation {
  /** What the person said in this session, oldest first. The last one is being answered. */
  readonly prompts: readonly string[]
  /** Responses given since the last prompt. */
  readonly stepsDone: number
  /** What the request is for: the script, a finished background task, or the summary of a full conversation. */
  readonly asksFor: 'step' | 'notice' | 'summary'
  /** The working directory that the CLI reports. */
  readonly cwd: string | undefined
}

/** Reads the situation. Nothing is remembered between requests: a resumed session brings its own history. */
export function readSituation(request: ModelRequest): Situation {
  const prompts: string[] = []
  let stepsDone = 0
  let asksFor: Situation['asksFor'] = 'step'
  let previous: ModelMessage['role'] | undefined
  for (const message of request.messages) {
    if (message.role === 'system') continue
    if (message.role === 'assistant') {
      if (previous !== 'assistant') stepsDone += 1
      asksFor = 'step'
    } else {
      const hasResult = message.blocks.some((block) => block.type === 'tool_result')
      // After a turn that failed, the CLI puts the next prompt into the same message, as one more block.
      for (const block of message.blocks) {
        if (block.type !== 'text') continue
        if (isByPerson(block.text)) {
          prompts.push(block.text.trim())
          stepsDone = 0
          asksFor = 'step'
        } else if (block.text.startsWith(SUMMARY_REQUEST)) asksFor = 'summary'
        // A notice that comes along with a tool result must not stop the script.
        else if (block.text.includes('<task-notification>') && !hasResult) asksFor = 'notice'
      }
    }
    previous = message.role
  }
  return { prompts, stepsDone, asksFor, cwd: workingDirectory(request) }
}

/** How the CLI's request for a summary of the conversation (`/compact`) begins. */
const SUMMARY_REQUEST = 'CRITICAL: Respond with TEXT ONLY.'

/** Beginnings of texts that the CLI puts into user messages by itself. */
const BY_THE_CLI = [
  '<system-reminder>',
  '<task-notification>',
  '<local-command-',
  '<command-',
  '<bash-',
  '[Request interrupted by user',
  'This session is being continued from a previous conversation',
  'Continue from where you left off.',
  SUMMARY_REQUEST,
]

function isByPerson(text: string): boolean {
  const trimmed = text.trimStart()
  return trimmed !== '' && !BY_THE_CLI.some((beginning) => trimmed.startsWith(beginning))
}

/** It stands in a message of the role `system`, not in the request's `system` text. The newest one counts. */
function workingDirectory(request: ModelRequest): string | undefined {
  const texts = request.messages
    .filter((message) => message.role === 'system')
    .flatMap((message) => message.blocks.flatMap((block) => (block.type === 'text' ? block.text : [])))
  const found = [request.system, ...texts].join('\n').matchAll(/working directory: (?<path>\/.*)$/gim)
  return [...found].at(-1)?.groups?.['path']?.trim()
}
