import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCounts } from '../../src/core/metrics/counts.ts'
import { Counter } from '../../src/core/metrics/counter.ts'
import { gauge } from '../../src/core/metrics/family.ts'
import { Histogram } from '../../src/core/metrics/histogram.ts'
import { toText } from '../../src/core/metrics/text.ts'

describe('a histogram', () => {
  it('has in each bucket all that is no larger than its bound, whatever came', () => {
    const bounds = [0.1, 1, 10]
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 100, noNaN: true }))),
        (all) => {
          const histogram = new Histogram(bounds)
          for (const each of all) histogram.observe(each)
          const samples = histogram.samples()
          for (const [bucket, bound] of [...bounds, Infinity].entries())
            expect(samples[bucket]?.value).toBe(all.filter((each) => each <= bound).length)
          expect(samples.at(-1)).toMatchObject({ suffix: '_count', value: all.length })
          expect(samples.at(-2)?.value).toBeCloseTo(
            all.reduce((sum, each) => sum + each, 0),
            6,
          )
        },
      ),
    )
  })
})

describe('a counter', () => {
  it('has so many values at most: what strangers call their models does not fill the memory', () => {
    const counter = new Counter('model')
    for (let n = 0; n < 10_000; n++) counter.add(`model-${n}`, 1)
    counter.add('model-0', 1)
    const samples = counter.samples()
    expect(samples).toHaveLength(101)
    expect(samples.find(({ labels }) => labels?.['model'] === 'model-0')?.value).toBe(2)
    expect(samples.find(({ labels }) => labels?.['model'] === 'other')?.value).toBe(9900)
  })
})

describe('a limit of the account', () => {
  it('is shown as it was told last, and no more kinds of it than there can be', () => {
    const counts = createCounts()
    counts.rateLimited({ status: 'allowed_warning', type: 'five_hour', used: 0.9 })
    counts.rateLimited({ status: 'rejected', type: 'five_hour', used: 1 })
    for (let n = 0; n < 1000; n++) counts.rateLimited({ status: 'allowed', type: `kind-${n}` })
    const text = toText(counts.families())
    expect(text).toContain('claude_proxy_rate_limit_used_ratio{type="five_hour"} 1\n')
    expect(text).toContain('claude_proxy_rate_limit_rejected{type="five_hour"} 1\n')
    expect(text.match(/^claude_proxy_rate_limit_rejected\{/gm)).toHaveLength(20)
  })

  it('is counted under no name where the agent gave it none, and how much is used is left out where it is not told', () => {
    const counts = createCounts()
    counts.rateLimited({ status: 'rejected' })
    const text = toText(counts.families())
    expect(text).toContain('claude_proxy_rate_limit_rejected{type="unknown"} 1\n')
    expect(text).not.toContain('claude_proxy_rate_limit_used_ratio{')
  })
})

describe('a gauge', () => {
  it('of what is not known now has no sample, and so no 0 that would be taken for one', () => {
    expect(gauge('free_bytes', 'Free.', undefined).samples).toEqual([])
    expect(gauge('free_bytes', 'Free.', 0).samples).toEqual([{ value: 0 }])
  })
})

describe('the text', () => {
  it('keeps a label within its quotes, whatever is in it', () => {
    const counts = createCounts()
    counts.runEnded('a"b\\c\nclaude_proxy_forged 1', [])
    const text = toText(counts.families())
    expect(text).toContain('claude_proxy_runs_total{outcome="a\\"b\\\\c\\nclaude_proxy_forged 1"} 1\n')
    expect(text).not.toMatch(/^claude_proxy_forged/m)
  })

  it('is what Prometheus reads: every sample belongs to the family above it, no name comes twice', () => {
    const counts = createCounts()
    const use = {
      model: 'm',
      inputTokens: 1,
      outputTokens: 2,
      cacheReadTokens: 3,
      cacheCreationTokens: 4,
      costUsd: 0.5,
    }
    counts.runEnded('success', [use, { ...use, costUsd: undefined }])
    counts.agentBegan('cold', 400)
    counts.committed(2)
    const text = toText(counts.families())
    let family = ''
    const names: string[] = []
    for (const line of text.trimEnd().split('\n')) {
      const [, comment, name = ''] = /^# (HELP|TYPE) (\w+) ./.exec(line) ?? []
      if (comment === 'HELP') names.push((family = name))
      else if (comment === 'TYPE') expect(name).toBe(family)
      else expect(line).toMatch(/^\w+(\{(\w+="[^"]*",?)+\})? \d+(\.\d+)?(e-\d+)?$/)
      if (comment === undefined) expect(line.startsWith(family)).toBe(true)
    }
    expect(new Set(names).size).toBe(names.length)
    expect(text).toContain('claude_proxy_tokens_total{model="m",kind="cache_read"} 6\n')
    expect(text).toContain('claude_proxy_cost_usd_total{model="m"} 0.5\n')
    expect(text).toContain('claude_proxy_agent_start_seconds_bucket{start="cold",le="0.25"} 0\n')
    expect(text).toContain('claude_proxy_agent_start_seconds_bucket{start="cold",le="0.5"} 1\n')
    expect(text).toContain('claude_proxy_commit_seconds_sum 0.002\n')
  })
})
