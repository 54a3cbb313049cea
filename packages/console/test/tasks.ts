import type { Page } from 'playwright-core'

/** The thread's own time is in `tdur`, in microseconds: a busy machine makes it hardly longer. */
interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
}

const BEGIN = 'watched from here'

/** Slows the page down by this factor, and says how many milliseconds each of its tasks has taken since, the longest first. */
export async function watchTasks(page: Page, slowness: number): Promise<() => Promise<number[]>> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowness })
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'] },
  })
  await page.evaluate(`performance.mark('${BEGIN}')`)
  return async () => {
    const isTold = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
    await session.send('Tracing.end')
    await isTold
    // It tells of all threads of all pages.
    const here = events.find(({ name }) => name === BEGIN)
    const tasks = events.filter(
      ({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && pid === here?.pid && tid === here.tid,
    )
    return tasks.map(({ tdur = 0 }) => tdur / 1000).sort((a, b) => b - a)
  }
}
