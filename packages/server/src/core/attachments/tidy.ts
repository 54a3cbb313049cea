import type { Attachments } from './attachments.ts'

const EVERY_MS = 3_600_000

/** Removes what is not needed any more, now and every hour. `left`: the files that were there before the start. */
export function tidyAttachments(attachments: Attachments, left: readonly string[]): Disposable {
  void attachments.sweep().then(() => attachments.removeLeft(left))
  const timer = setInterval(() => void attachments.sweep(), EVERY_MS).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
