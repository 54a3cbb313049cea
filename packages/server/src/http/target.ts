import type { IncomingMessage } from 'node:http'
import { AppError } from '@claude-proxy/protocol/errors'

/** The path a request is for, without `..` and needless encoding. Throws when its address is none. */
export function pathOf({ url = '', headers: { host = '' } }: IncomingMessage): string {
  // A client may send the whole address (RFC 9112, section 3.2.2).
  const isWhole = /^https?:\/\//.test(url)
  const address = isWhole ? url : `http://${host}${url}`
  const [target = ''] = url.split('?', 1)
  // A backslash would become a slash.
  const isPath = (isWhole || url.startsWith('/')) && !target.includes('\\')
  if (!isPath || !HOST.test(host) || !URL.canParse(address))
    throw new AppError('bad_request', 'The request is not understood.')
  const { pathname } = new URL(address)
  return pathname.includes('%') ? decode(pathname) : pathname
}

const HOST = /^[\w.:[\]-]+$/

/** An encoded percent sign stays: parameters are decoded once more. What is not well encoded stays as it is. */
function decode(path: string): string {
  try {
    return decodeURI(path.replaceAll('%25', '%2525'))
  } catch {
    return path
  }
}
