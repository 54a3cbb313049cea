import type { Client } from '@claude-proxy/client'
import type { Config } from '../../config.ts'
import { COMMON, type OptionName, type Said } from './options.ts'
import type { Address } from './address.ts'

/** What a command that talks to the service is given. */
export interface TerminalCall {
  readonly said: Said
  readonly client: Client
  readonly address: Address
  readonly config: Config
}

export interface TerminalCommand {
  /** What stands behind the name: `ID` has to be there, `[PROMPT]` may. */
  readonly words: readonly string[]
  readonly does: string
  readonly options: readonly OptionName[]
  readonly examples: readonly string[]
  /** Loads what it needs and does it; the exit code. */
  readonly run: (call: TerminalCall) => Promise<number>
}

/** What the program ends with, so that scripts can tell. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, detached: 4, interrupted: 130 } as const

/** The commands for people who live in a terminal. They talk to the service over HTTP, here or elsewhere. */
export const TERMINAL_COMMANDS: Readonly<Record<string, TerminalCommand>> = {
  run: {
    words: ['[PROMPT]'],
    does: 'has the agent do something in the current folder, and shows it',
    options: [
      ...COMMON,
      ...(['json', 'quiet', 'conversation', 'continue', 'title', 'model', 'effort', 'permission-mode'] as const),
      ...(['allow', 'file', 'when-busy', 'cwd'] as const),
    ],
    examples: [
      'claude-proxy run "Why does the build fail?"',
      'git diff | claude-proxy run --quiet "Write a commit message for this."',
      'claude-proxy run --continue --file screen.png "It still looks like this."',
      'claude-proxy run --host me@server --cwd /srv/app "Update the dependencies."',
    ],
    run: async (call) => (await import('./run.ts')).runPrompt(call),
  },
  attach: {
    words: ['[ID]'],
    does: 'goes back to a run, shows it from its beginning, and answers what it asks',
    options: [...COMMON, 'json', 'quiet', 'cwd'],
    examples: ['claude-proxy attach', 'claude-proxy attach 5f0c…'],
    run: async (call) => (await import('./attach.ts')).attach(call),
  },
  tail: {
    words: ['[ID]'],
    does: 'shows what was said in a conversation',
    options: [...COMMON, 'json', 'follow', 'lines', 'cwd'],
    examples: [
      'claude-proxy tail -f',
      'claude-proxy tail -n 20 5f0c…',
      'claude-proxy tail --json 5f0c… | jq .event.type',
    ],
    run: async (call) => (await import('./tail.ts')).tail(call),
  },
  ls: {
    words: [],
    does: 'lists conversations: who works, who needs you',
    options: [...COMMON, 'json', 'quiet', 'all', 'limit', 'cwd'],
    examples: ['claude-proxy ls', 'claude-proxy ls --cwd . --json', 'claude-proxy ls --quiet --all | cut -f 1'],
    run: async (call) => (await import('./ls.ts')).list(call),
  },
  show: {
    words: ['[ID]'],
    does: 'shows what a conversation is set to, what waits in it and what it has come to',
    options: [...COMMON, 'json', 'cwd'],
    examples: ['claude-proxy show'],
    run: async (call) => (await import('./show.ts')).show(call),
  },
  approve: {
    words: ['[APPROVAL]'],
    does: 'answers what an agent asks; without a word it lists what waits',
    options: [...COMMON, 'json', 'quiet', 'always', 'deny', 'message'],
    examples: [
      'claude-proxy approve',
      'claude-proxy approve 3b1e…',
      'claude-proxy approve --deny --message "Not on main." 3b1e…',
    ],
    run: async (call) => (await import('./approve.ts')).approve(call),
  },
  stop: {
    words: ['[ID]'],
    does: "stops a conversation's run; with --all also what waits and what works in its background",
    options: [...COMMON, 'all', 'cwd'],
    examples: ['claude-proxy stop', 'claude-proxy stop --all 5f0c…'],
    run: async (call) => (await import('./stop.ts')).stop(call),
  },
  queue: {
    words: ['[ID]'],
    does: 'lists the prompts of a conversation that wait',
    options: [...COMMON, 'json', 'cwd'],
    examples: ['claude-proxy queue'],
    run: async (call) => (await import('./queue.ts')).queue(call),
  },
  search: {
    words: ['WORDS'],
    does: 'finds what was said',
    options: [...COMMON, 'json', 'limit', 'cwd'],
    examples: [`claude-proxy search 'flaky "race condition"'`],
    run: async (call) => (await import('./search.ts')).search(call),
  },
  export: {
    words: ['ID'],
    does: 'writes a conversation to the standard output: from the service, or from its files where none runs',
    options: [...COMMON, 'format', 'data-dir'],
    examples: [
      'claude-proxy export 5f0c… > events.ndjson',
      'claude-proxy export --format html --host me@server 5f0c… > conversation.html',
      'claude-proxy export --data-dir /opt/claude-proxy/data 5f0c…',
    ],
    run: async (call) => (await import('./export.ts')).exportConversation(call),
  },
  open: {
    words: [],
    does: "says the service's address, and opens it where there is a browser",
    options: COMMON,
    examples: ['claude-proxy open'],
    run: async (call) => (await import('./open.ts')).open(call),
  },
}
