import { mkdir } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readStream } from './event-stream.ts'
import { startProgram } from './program.ts'
import type { Random } from './random.ts'

export interface WriteLoadOptions {
  readonly dataDir: string
  /** Its conversations are called after it. */
  readonly name: string
  readonly random: Random
  readonly signal: AbortSignal
  readonly through: readonly string[]
  /** Half as much of everything. */
  readonly brief: boolean
}

/** A life of the service in which everything is written that it ever writes: commits, sealing, checkpoints, vacuum. */
export async function liveUnderLoad({
  dataDir,
  name,
  random,
  signal,
  through,
  brief,
}: WriteLoadOptions): Promise<void> {
  const program = await startProgram({ dataDir, through })
  try {
    const { base } = program
    const cwd = (id: string) => join(dirname(dataDir), 'work', id)
    const prompts = inventPrompts(random, brief ? 0.5 : 1)
    await Promise.all(
      prompts.map(async (texts, n) => {
        const id = `${name}-${n}`
        let last = 0
        await mkdir(cwd(id), { recursive: true })
        for (const text of texts) {
          const body = { conversation_id: id, cwd: cwd(id), text: `${id} ${text}` }
          const take = (frame: { id: number }) => {
            last = frame.id
          }
          const { how } = await readStream({ base, body, lastEventId: last, cut: signal, take })
          if (how !== 'ended') throw new Error(`a stream was ${how}`)
        }
      }),
    )
    await sealed(dataDir)
    if (random.chance(0.5)) program.signal('SIGTERM')
    else await program.kill()
    await program.exit
  } finally {
    await program.kill()
  }
}

function inventPrompts(random: Random, share: number): string[][] {
  const count = (least: number, most: number) => Math.ceil(random.int(least, most) * share)
  const flood = () => `@load n=${count(800, 2000)} rate=0 size=${random.int(200, 400)}`
  const steady = () => `@load n=${count(100, 250)} rate=${random.int(100, 400)} size=${random.int(100, 2000)}`
  const fat = () => `@load n=${random.int(2, 4)} rate=20 size=${random.int(20_000, 150_000)}`
  return [
    [flood(), flood()],
    [flood(), steady()],
    [steady(), flood()],
    [steady(), steady()],
    [steady()],
    [fat(), steady()],
  ]
}

/** Resolves when nothing is left to be tidied: at its end the log is cut to nothing. */
async function sealed(dataDir: string): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(20))
    if (statSync(join(dataDir, 'claude-proxy.db-wal')).size === 0) return
}
