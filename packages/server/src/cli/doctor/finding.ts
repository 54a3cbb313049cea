import type { Config } from '../../config.ts'

/** One thing that was looked at. `remedy`: what to do, where something is to be done. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'error'
  readonly message: string
  readonly remedy?: string
}

/** Whose health it is. */
export interface Patient {
  readonly config: Config
  readonly environment: NodeJS.ProcessEnv
  /** The file that variables were read from, if one was named. */
  readonly environmentFile: string | undefined
  /** The process that has the data directory now. */
  readonly holder: { readonly pid: number | undefined } | undefined
  /** Whether it may ask the Messages API something, which costs a few tokens. */
  readonly isOnline: boolean
  /** Whether it may read the whole database. */
  readonly isThorough: boolean
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })

export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  status: 'warning',
  message,
  remedy,
})

export const error = (check: string, message: string, remedy: string): Finding => ({
  check,
  status: 'error',
  message,
  remedy,
})

export function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
