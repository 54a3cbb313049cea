import { useEffect, useState } from 'preact/hooks'
import { sentenceOf } from '../service.ts'

/** What was asked for: not there yet, there, or why not. While something else is on its way, what was there before stays. */
export type Asked<T> =
  | { readonly is: 'coming' }
  | { readonly is: 'there'; readonly answer: T }
  | { readonly is: 'refused'; readonly why: string }

/** Asks, and asks again when `key` is another. Only the newest answer counts. */
export function useAnswer<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [asked, setAsked] = useState<Asked<T>>({ is: 'coming' })
  useEffect(() => {
    const over = new AbortController()
    ask(over.signal).then(
      (answer) => !over.signal.aborted && setAsked({ is: 'there', answer }),
      (error: unknown) => !over.signal.aborted && setAsked({ is: 'refused', why: sentenceOf(error) }),
    )
    return () => over.abort()
  }, [key])
  return asked
}
