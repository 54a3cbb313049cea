import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

const FILE = join(import.meta.dirname, '../../../../deploy/grafana.json')

interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

const { panels } = JSON.parse(readFileSync(FILE, 'utf8')) as { panels: readonly Panel[] }
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
/** The names in a query that are no functions or labels of PromQL's. */
const namesIn = (query: string) => query.match(/\b(?:claude_proxy|process|nodejs)_\w+/g) ?? []

it('every metric that the dashboard asks for is in /metrics, and it shows all that are ours', async () => {
  await using service = await startTestService()
  const { text } = await call(`${service.base}/metrics`)
  const families = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  const asked = new Set(queries.flatMap(namesIn))
  expect(asked.size).toBeGreaterThan(10)
  expect([...asked].filter((name) => !families.includes(name))).toEqual([])
  const shown = families.filter((name) => name.startsWith('claude_proxy_') && !/_(sum|count)$/.test(name))
  expect(shown.filter((name) => !asked.has(name))).toEqual([])
})

it('its panels do not lie over one another', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
})
