/** How to tell an agent what to do, in its own language of directives. */
export interface Words {
  /** The agent says `text`. */
  say(text: string): string
  /** At least `count` events. */
  many(count: number): string
  /** Asks for Bash, unless a rule decides, and goes on when it has its answer. */
  readonly ask: string
  /** Never ends by itself. */
  readonly hang: string
  /** Uses so many tokens of its model. */
  use(input: number, output: number): string
  /** Ends with an error. */
  readonly fail: string
}

/** The stand-in without process and model. */
export const SCRIPTED: Words = {
  say: (text) => text,
  many: (count) => `@load n=${count} rate=0 size=300`,
  ask: '@ask tool=Bash',
  hang: '@hang',
  use: (input, output) => `@use input=${input} output=${output} usd=0.25`,
  fail: '@fail',
}

/** The real Claude Code, whose model is a script. `echo` needs no permission, `touch` does. */
export const CLAUDE: Words = {
  say: (text) => `@say ${text}`,
  many: (count) => Array.from({ length: Math.ceil(count / 2) }, (_, n) => `@bash echo ${n}`).join('\n'),
  ask: '@bash touch asked.txt',
  hang: '@hang',
  use: (input, output) => `@usage ${input} ${output}`,
  fail: '@status 400',
}
