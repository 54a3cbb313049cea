import { describe, expect, it } from 'vitest'
import { factsOf, usageOf } from '../../src/agents/claude/facts.ts'
import { endingOf, withFacts } from '../../src/core/runs/account.ts'

const assistant = (message: object, more: object = {}) => ({
  type: 'assistant',
  message,
  parent_tool_use_id: null,
  ...more,
})
const usage = {
  input_tokens: 10,
  cache_read_input_tokens: 200,
  cache_creation_input_tokens: 3000,
  output_tokens: 40_000,
}

describe('what the agent says of itself', () => {
  it.each([
    [{ type: 'system', subtype: 'init', model: 'm', permissionMode: 'plan', claude_code_version: '2.1' }],
    [{ type: 'system', subtype: 'init', model: 'm', permissionMode: 'plan', claude_code_version: '2.1', effort: 7 }],
  ])('its start names model, mode and version', (message) => {
    expect(factsOf(message, undefined)).toEqual({ model: 'm', permissionMode: 'plan', version: '2.1' })
  })

  it('a change of its mode is told by its status', () => {
    expect(factsOf({ type: 'system', subtype: 'status', permissionMode: 'default' }, 'm')).toEqual({
      permissionMode: 'default',
    })
    expect(factsOf({ type: 'system', subtype: 'status', status: 'compacting' }, 'm')).toEqual({})
  })

  it.each<[object, object]>([
    [
      { status: 'allowed_warning', rateLimitType: 'five_hour', utilization: 0.93, resetsAt: 1_800_000_000 },
      { status: 'allowed_warning', type: 'five_hour', used: 0.93, resetsAt: 1_800_000_000_000 },
    ],
    [{ status: 'allowed', resetsAt: 1e300, utilization: 'much' }, { status: 'allowed' }],
  ])('a limit of its account is %j', (info, rateLimit) => {
    expect(factsOf({ type: 'rate_limit_event', rate_limit_info: info }, 'm')).toEqual({ rateLimit })
    expect(factsOf({ type: 'rate_limit_event', rate_limit_info: [] }, 'm')).toEqual({})
  })

  it('its context is all that the newest response was about, itself included', () => {
    expect(factsOf(assistant({ model: 'm', usage }), undefined)).toEqual({ model: 'm', contextTokens: 43_210 })
  })

  it.each([
    ['of a subagent', assistant({ model: 'm', usage }, { parent_tool_use_id: 'toolu_1' })],
    ["in the model's place", assistant({ model: '<synthetic>', usage })],
  ])('a response %s says nothing of it', (_, message) => {
    expect(factsOf(message, 'm')).toEqual({})
  })

  it('a response that was not counted yet leaves the context as it was', () => {
    expect(factsOf(assistant({ model: 'm', usage: { input_tokens: 0 } }), 'm')).toEqual({ model: 'm' })
  })

  it('the context shrinks when it is compacted, and is empty after a reset', () => {
    const compacted = { type: 'system', subtype: 'compact_boundary', compact_metadata: { post_tokens: 900 } }
    expect(factsOf(compacted, 'm')).toEqual({ contextTokens: 900 })
    expect(factsOf({ type: 'conversation_reset' }, 'm')).toEqual({ contextTokens: 0 })
  })

  it("the window is the main thread's model's, by the name or the canonical name of it", () => {
    const modelUsage = { other: { contextWindow: 1 }, 'm[1m]': { contextWindow: 2, canonicalModel: 'm' } }
    expect(factsOf({ type: 'result', modelUsage }, 'm')).toEqual({ contextWindow: 2 })
    expect(factsOf({ type: 'result', modelUsage }, 'other')).toEqual({ contextWindow: 1 })
    expect(factsOf({ type: 'result', modelUsage }, undefined)).toEqual({})
  })

  it('the window of one model is not taken for that of the next', () => {
    const known = { model: 'a', contextWindow: 1, contextTokens: 5 }
    expect(withFacts(known, { model: 'a' })).toEqual(known)
    expect(withFacts(known, { model: 'b' })).toEqual({ model: 'b', contextTokens: 5 })
  })
})

describe('what it has used', () => {
  it('is what is new since its last result, and not the totals that go on', () => {
    const one = { inputTokens: 7, outputTokens: 8, cacheReadInputTokens: 9, cacheCreationInputTokens: 10, costUSD: 0.5 }
    const message = {
      type: 'result',
      total_cost_usd: 99,
      modelUsage: { m: { ...one, costUSD: 99 } },
      model_usage_since_last_result: { m: one },
    }
    expect(usageOf(message)).toEqual([
      { model: 'm', inputTokens: 7, outputTokens: 8, cacheReadTokens: 9, cacheCreationTokens: 10, costUsd: 0.5 },
    ])
  })

  it.each([[{}], [null], ['x'], [undefined]])('%j is nothing', (since) => {
    expect(usageOf({ type: 'result', model_usage_since_last_result: since })).toEqual([])
  })

  it('odd numbers count as nothing', () => {
    const message = { type: 'result', model_usage_since_last_result: { m: { inputTokens: -1, outputTokens: 'x' } } }
    expect(usageOf(message)).toMatchObject([{ model: 'm', inputTokens: 0, outputTokens: 0 }])
  })
})

describe('how a run ended', () => {
  const result = (more: object) => ({
    type: 'result' as const,
    subtype: 'success',
    is_error: false,
    result: 'Said.',
    ...more,
  })

  it('well', () => {
    expect(endingOf(result({ terminal_reason: 'completed' }))).toEqual({ outcome: 'success', usage: [], facts: {} })
  })

  it.each([
    ['api_error', { is_error: true, terminal_reason: 'api_error' }],
    ['api_error', { is_error: true, terminal_reason: 'completed' }],
    ['blocking_limit', { is_error: true, terminal_reason: 'blocking_limit' }],
    ['error_max_turns', { is_error: true, subtype: 'error_max_turns' }],
  ])('with %s, also where the agent calls it a success', (outcome, more) => {
    expect(endingOf(result(more))).toMatchObject({ outcome, error: 'Said.' })
  })

  it('stopped by somebody, which is no error', () => {
    const stopped = endingOf(result({ subtype: 'interrupted', is_error: true }))
    expect(stopped).toEqual({ outcome: 'interrupted', error: undefined, usage: [], facts: {} })
  })

  it('with a sentence of a sensible length', () => {
    expect(endingOf(result({ is_error: true, result: 'x'.repeat(1e6) })).error).toHaveLength(2000)
  })
})
