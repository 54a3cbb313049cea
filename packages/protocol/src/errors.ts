import type { Json } from './json.ts'

/** Every error code that can leave the service, and its HTTP status. */
export const STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden_host: 403,
  forbidden_origin: 403,
  forbidden_folder: 403,
  forbidden_scope: 403,
  forbidden_path: 403,
  not_found: 404,
  conversation_unknown: 404,
  permission_not_found: 404,
  approval_unknown: 404,
  rule_unknown: 404,
  prompt_unknown: 404,
  session_unknown: 404,
  upload_unknown: 404,
  run_unknown: 404,
  path_unknown: 404,
  not_a_repository: 404,
  revision_unknown: 404,
  method_not_allowed: 405,
  conversation_cwd_mismatch: 409,
  conversation_already_running: 409,
  agent_folder_busy: 409,
  already_resolved: 409,
  conversation_exists: 409,
  prompt_not_queued: 409,
  queue_full: 409,
  uploads_full: 409,
  idempotency_key_reused: 409,
  session_in_use: 409,
  session_unreadable: 409,
  not_a_fork_point: 409,
  no_checkpoint: 409,
  setting_refused: 409,
  payload_too_large: 413,
  file_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  repository_unreadable: 422,
  budget_exhausted: 429,
  internal: 500,
  unavailable_here: 501,
  storage_unavailable: 503,
  not_ready: 503,
  shutting_down: 503,
} as const

export type ErrorCode = keyof typeof STATUS

/** What an error response carries: the code, a sentence for a person, and what the code promises besides. */
export type ErrorBody = { error: ErrorCode; message: string; [detail: string]: Json }

/** A failure that a client may hear of. Anything else that is thrown becomes `internal` and is only logged. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Record<string, Json>

  constructor(code: ErrorCode, message: string, details: Record<string, Json> = {}, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
    this.details = details
  }

  get status(): number {
    return STATUS[this.code]
  }

  /** The error as it goes over the wire. */
  get body(): ErrorBody {
    return { error: this.code, ...this.details, message: this.message }
  }
}
