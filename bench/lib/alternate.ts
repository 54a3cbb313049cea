import type { Context } from './part.ts'

/**
 * Measures A and B in turns: A B, B A, A B … Whatever slows the machine down for a while hits both, and neither always
 * goes first.
 */
export async function alternate<A, B>(
  { rounds, signal }: Pick<Context, 'rounds' | 'signal'>,
  measureA: (round: number) => Promise<A>,
  measureB: (round: number) => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const a: A[] = []
  const b: B[] = []
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted()
    if (round % 2 === 0) a.push(await measureA(round))
    b.push(await measureB(round))
    if (round % 2 === 1) a.push(await measureA(round))
  }
  return { a, b }
}
