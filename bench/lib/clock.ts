/**
 * Now, in microseconds since 1970, as the scripted agent stamps its texts. Wall and monotonic clock are joined once, at
 * the start of a process: two processes differ by what the wall clock was set in between.
 */
export function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000
}

/** What `nowUs` is ahead of the machine's monotonic clock, which all processes share. */
export function clockOriginUs(): number {
  const origins = Array.from({ length: 9 }, () => nowUs() - Number(process.hrtime.bigint()) / 1000)
  return origins.sort((a, b) => a - b)[4] ?? 0
}

/** The machine's monotonic clock, in milliseconds: the same in all processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
