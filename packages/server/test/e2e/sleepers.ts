import { expect } from 'vitest'
import { descendants, PATIENCE, type Program } from './program.ts'

/** A command that ends when something ends it. */
export const SLEEPER = 'tail -f /dev/null'

/** Those that the program's agents have running. */
export function sleepers(program: Program) {
  return descendants(program.pid).filter(({ command }) => command === SLEEPER)
}

/** Until one is running. */
export async function oneSleeps(program: Program): Promise<void> {
  await expect.poll(() => sleepers(program).length, PATIENCE).toBe(1)
}
