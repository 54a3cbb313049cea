import { rmSync } from 'node:fs'
import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Part } from './part.ts'
import { createRandom } from './random.ts'

export interface RunOptions {
  readonly seed: number
  readonly brief: boolean
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** Runs a part in a scratch folder of its own. Rejects with the seed in the sentence, so that it can be repeated. */
export async function runPart(part: Part, { seed, brief, signal, say }: RunOptions): Promise<readonly string[]> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'claude-proxy-torture-')))
  try {
    return await part.run({ brief, random: createRandom(seed), signal, scratch, say })
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${part.name} (seed ${seed}): ${what}`, { cause })
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}
