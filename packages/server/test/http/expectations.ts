import { expect } from 'vitest'
import type { Answer, Received } from '../support/client.ts'

/** What holds for every response of the service. */
export function expectProxyHeaders(headers: Readonly<Record<string, unknown>>): void {
  expect(headers['x-proxy-version']).toMatch(/^[0-9A-Za-z.-]{5,}$/)
  expect(headers['x-proxy-started-at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
}

/** Words that the app takes for a broken line when they stand in an error of the stream. */
export const ALARMING = /connection|network|timeout|broken pipe|socket|disconnected|lost|reset|abort|ebadf/i

/** An error in the shape of the contract: code, sentence, length; JSON in ASCII. */
export function expectError(answer: Answer, status: number, error: string, details: object = {}): void {
  expect({ status: answer.status, ...answer.json }).toMatchObject({ status, error, ...details })
  expect(answer.json?.['message']).toMatch(/\S/)
  expect(answer.headers['content-type']).toMatch(/^application\/json/)
  expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)))
  expect(answer.text).toMatch(/^[\x20-\x7e]+$/)
  expectProxyHeaders(answer.headers)
}

/** Numbers without a gap from `first` on, a prompt at the beginning of each run and one result at its end. */
export function expectWholeRuns(received: readonly Received[], runs: number, first = 1): void {
  expect(received.map(({ id }) => id)).toEqual(received.map((_, n) => first + n))
  expect(received[0]?.event.type).toBe('user')
  expect(received.at(-1)?.event.type).toBe('result')
  expect(received.filter(({ event }) => event.type === 'result')).toHaveLength(runs)
}
