import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'

const { ServerResponse, validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http')

type Value = number | string | readonly string[]

/**
 * A response that lets go of its headers when they are sent. Node keeps those that are set one by one as long as a
 * response is open: a kilobyte for each event stream.
 */
export class LightResponse<R extends IncomingMessage> extends ServerResponse<R> {
  #headers: OutgoingHttpHeaders = {}

  /** Throws for what cannot be sent, and keeps nothing of it. */
  override setHeader(name: string, value: Value): this {
    validateHeaderName(name)
    for (const each of [value].flat()) validateHeaderValue(name, String(each))
    this.#headers[name.toLowerCase()] = typeof value === 'object' ? [...value] : value
    return this
  }

  /** With more of them as an object, and in no other form. */
  override writeHead(status: number, ...[headers]: readonly unknown[]): this {
    super.writeHead(status, { ...this.#headers, ...(headers as OutgoingHttpHeaders | undefined) })
    this.#headers = NONE
    return this
  }
}

const NONE = Object.freeze({})
