import { get } from 'node:http'
import type { Frame } from './event-stream.ts'

/**
 * `GET /v1/conversations/{id}/events`, as far as it comes. Resolves to whether it came to its end; undefined when the
 * conversation is unknown.
 */
export function replay(
  base: string,
  conversation: string,
  since: number,
  take: (frame: Frame) => void,
): Promise<boolean | undefined> {
  return new Promise((resolve, reject) => {
    const sent = get(`${base}/v1/conversations/${conversation}/events?since=${since}`, { agent: false })
    sent.on('error', () => resolve(false))
    sent.on('response', (response) => {
      let rest = ''
      let id = since
      response.setEncoding('latin1')
      response.on('data', (text: string) => {
        if (response.statusCode !== 200) return
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        try {
          for (const data of lines) take({ id: ++id, data })
        } catch (error) {
          reject(error)
          sent.destroy()
        }
      })
      response.on('error', () => resolve(false))
      response.on('end', () => {
        if (response.statusCode === 200) resolve(true)
        else if (response.statusCode === 404) resolve(undefined)
        else reject(new Error(`a replay of ${conversation} was answered ${response.statusCode}`))
      })
    })
  })
}
