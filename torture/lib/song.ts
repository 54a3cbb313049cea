import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Holds one conversation in `folder`, to its end, and reads it again. Throws when anything of it is not as promised. */
export async function tellOne(base: string, folder: string): Promise<void> {
  const id = 'canary'
  const before = await lines(base, id)
  const body = JSON.stringify({ conversation_id: id, cwd: folder, text: 'sing' })
  const headers = { 'content-type': 'application/json', 'last-event-id': String(before.length) }
  const streamed = await read(`${base}/v1/agent/stream`, { method: 'POST', headers }, body)
  const frames = streamed.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'))
  const data = frames.map((frame, n) => {
    const [, number, line = ''] = /^id: (\d+)\ndata: (.*)$/.exec(frame) ?? []
    if (Number(number) !== before.length + n + 1) throw new Error(`the canary sang out of order: ${frame}`)
    return line
  })
  const results = data.filter((line) => line.startsWith('{"type":"result"'))
  if (results.length !== 1 || results[0] !== data.at(-1)) throw new Error(`the canary has not ended: ${streamed}`)
  const after = await lines(base, id)
  if (after.join('\n') !== [...before, ...data].join('\n')) throw new Error('the canary is remembered otherwise')
}

export async function isHealthy(base: string): Promise<boolean> {
  return (await read(`${base}/healthz`, {})).startsWith('{"status":"ok"')
}

async function lines(base: string, id: string): Promise<string[]> {
  const replay = await read(`${base}/v1/conversations/${id}/events`, {})
  return replay.startsWith('{"error":"conversation_unknown"') ? [] : replay.split('\n').slice(0, -1)
}

function read(url: string, options: { method?: string; headers?: Record<string, string> }, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ...options, agent: false, timeout: 20_000 }, (response) => {
      text(response).then(resolve, reject)
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer from ${url}`)))
    asked.on('error', reject)
    asked.end(body)
  })
}
