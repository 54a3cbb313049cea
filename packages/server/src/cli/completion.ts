import { ConfigError } from '../config.ts'
import { bashCompletion } from './manual/bash.ts'
import { fishCompletion } from './manual/fish.ts'
import { zshCompletion } from './manual/zsh.ts'

const WRITERS: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

/** `claude-proxy completion SHELL`. */
export function writeCompletion(shell: string): void {
  const write = Object.hasOwn(WRITERS, shell) ? WRITERS[shell] : undefined
  if (!write) throw new ConfigError(`There are completions for ${Object.keys(WRITERS).join(', ')}.`)
  process.stdout.write(write())
}
