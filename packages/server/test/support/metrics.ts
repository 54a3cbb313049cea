import { call } from './client.ts'

/** What `GET /metrics` says, by sample: `name{label="value"}`. */
export async function metrics(base: string, headers: Record<string, string> = {}): Promise<Map<string, number>> {
  const { text } = await call(`${base}/metrics`, { headers })
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}
