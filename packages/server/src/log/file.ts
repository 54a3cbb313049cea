import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/** How large a log file becomes, and how many are kept: the one that is written, and older ones. */
export interface Rotation {
  readonly maxBytes: number
  readonly files: number
}

export interface LogFile {
  readonly write: (line: string) => void
  /** Goes on in a file of the same name, which is made if it is not there: somebody has moved the one that was written. */
  readonly reopen: () => void
}

/**
 * Writes lines to `file`, its owner's alone. When it is full it becomes `file.1`, that `file.2`, and so on; the last goes.
 * Written at once, since a line may be the last one. Throws when it cannot be opened; what cannot be written later, as on a
 * full disk, is told to `complain` once and lost.
 */
export function openLogFile(
  file: string,
  { maxBytes, files }: Rotation,
  complain: (error: unknown) => void = complainOnStderr,
): LogFile {
  let descriptor = open(file)
  let size = fstatSync(descriptor).size
  let hasComplained = false

  return {
    write: (line) =>
      attempt(() => {
        const bytes = Buffer.from(line)
        if (size > 0 && size + bytes.length > maxBytes) rotate()
        size += writeSync(descriptor, bytes)
      }),
    reopen: () => attempt(() => goOnIn(openSync(file, 'a', 0o600))),
  }

  function attempt(work: () => void): void {
    try {
      work()
      hasComplained = false
    } catch (error) {
      if (!hasComplained) complain(error)
      hasComplained = true
    }
  }

  function rotate(): void {
    for (let older = files - 1; older > 0; older--) {
      const name = older === 1 ? file : `${file}.${older - 1}`
      if (existsSync(name)) renameSync(name, `${file}.${older}`)
    }
    // With one file there is nothing to rename: it begins again.
    goOnIn(openSync(file, files === 1 ? 'w' : 'a', 0o600))
  }

  function goOnIn(next: number): void {
    closeSync(descriptor)
    descriptor = next
    size = fstatSync(descriptor).size
  }
}

function complainOnStderr(error: unknown): void {
  const line = { level: 'error', msg: 'the log file cannot be written', error: String(error) }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}

function open(file: string): number {
  try {
    return openSync(file, 'a', 0o600)
  } catch (cause) {
    throw new Error(`The log file cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}
