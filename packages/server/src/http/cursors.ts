import { AppError } from '@claude-proxy/protocol/errors'
import { ConversationId } from '@claude-proxy/protocol/ids'
import type { ConversationPosition } from '../core/ports/conversation.ts'
import type { HitPosition } from '../core/search/search.ts'

/** Where a page of a list ends: opaque to clients. */

export function writeCursor({ activeAt, id }: ConversationPosition): string {
  return write([activeAt, id])
}

export function readCursor(cursor: string): ConversationPosition {
  const [at = '', name = '', ...more] = read(cursor)
  const id = ConversationId.safeParse(name)
  if (/^\d{1,15}$/.test(at) && id.success && more.length === 0) return { activeAt: Number(at), id: id.data }
  throw foreign()
}

export function writeHitCursor({ activeAt, id, number }: HitPosition): string {
  return write([activeAt, id, number])
}

export function readHitCursor(cursor: string): HitPosition {
  const [at = '', name = '', number = '', ...more] = read(cursor)
  const id = ConversationId.safeParse(name)
  if (/^\d{1,15}$/.test(at) && /^\d{1,15}$/.test(number) && id.success && more.length === 0)
    return { activeAt: Number(at), id: id.data, number: Number(number) }
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
