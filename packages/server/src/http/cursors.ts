import { AppError } from '@claude-proxy/protocol/errors'
import { isConversationId } from '@claude-proxy/protocol/ids'
import type { ConversationPosition } from '../core/ports/conversation.ts'
import type { HitPosition } from '../core/search/search.ts'

/** Where a page of a list ends: opaque to clients. */

export function writeCursor({ activeAt, id }: ConversationPosition): string {
  return write([activeAt, id])
}

export function readCursor(cursor: string): ConversationPosition {
  const [at = '', id = '', ...more] = read(cursor)
  if (/^\d{1,15}$/.test(at) && isConversationId(id) && more.length === 0) return { activeAt: Number(at), id }
  throw foreign()
}

export function writeHitCursor({ activeAt, id, number }: HitPosition): string {
  return write([activeAt, id, number])
}

export function readHitCursor(cursor: string): HitPosition {
  const [at = '', id = '', number = '', ...more] = read(cursor)
  if (/^\d{1,15}$/.test(at) && /^\d{1,15}$/.test(number) && isConversationId(id) && more.length === 0)
    return { activeAt: Number(at), id, number: Number(number) }
  throw foreign()
}

function write(parts: readonly (string | number)[]): string {
  return Buffer.from(parts.join(' ')).toString('base64url')
}

function read(cursor: string): string[] {
  return Buffer.from(cursor, 'base64url').toString().split(' ')
}

function foreign(): AppError {
  return new AppError('bad_request', 'cursor is none that this service gave.')
}
