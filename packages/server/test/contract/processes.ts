import { expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'

/** Remembering agent processes. */
export function processes(store: () => Store): void {
  it('remembers agent processes until they are removed, a reused pid apart', async () => {
    const before = await store().processes()
    const [a, b, c] = [
      { pid: 11, startedAt: 'x' },
      { pid: 11, startedAt: 'y' },
      { pid: 12, startedAt: 'x' },
    ] as const
    for (const process of [a, b, c, a]) await store().addProcess(process)
    expect(await store().processes()).toEqual(expect.arrayContaining([a, b, c]))
    expect(await store().processes()).toHaveLength(before.length + 3)
    for (const process of [a, c, c]) await store().removeProcess(process)
    expect(await store().processes()).toEqual([...before, b])
    await store().removeProcess(b)
  })
}
