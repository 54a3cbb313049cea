import { spawnSync } from 'node:child_process'
import { type Step, SetupError } from './step.ts'

/** Runs a program to its end and tells its exit code; 127 when it is not there. What it says goes to our stderr. */
export function attempt(program: string, args: readonly string[]): number {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2] })
  return error === undefined ? (status ?? 1) : 127
}

/** The same for what has to succeed. */
export function run(step: Step, program: string, args: readonly string[]): void {
  const code = attempt(program, args)
  if (code !== 0) throw new SetupError(step, `${[program, ...args].join(' ')} failed (exit code ${code}).`)
}

/** What a program prints, without the last line's end; undefined when it fails. */
export function ask(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
  return status === 0 ? stdout.trimEnd() : undefined
}

/** Shows a program's own output, and ends as it does. */
export function show(program: string, args: readonly string[]): void {
  process.exitCode = spawnSync(program, args, { stdio: 'inherit' }).status ?? 1
}
