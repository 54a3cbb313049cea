import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { call, stream, streamAll } from '../support/client.ts'
import { metrics } from '../support/metrics.ts'
import { startTestService } from '../support/service.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }
const prompt = (service: { folder(): string }, text: string) => ({
  conversation_id: `c${Math.random().toString(36).slice(2)}`,
  cwd: service.folder(),
  text,
})

describe('/metrics', () => {
  it('counts runs by outcome, events, bytes, commits and errors', async () => {
    await using service = await startTestService()
    const before = await metrics(service.base)
    expect(before.get('claude_proxy_events_stored_total')).toBe(0)
    const events = await streamAll(service.base, prompt(service, 'one'))
    await streamAll(service.base, prompt(service, '@die'))
    await call(`${service.base}/v1/nowhere`)
    const after = await metrics(service.base)
    expect(after.get('claude_proxy_runs_total{outcome="success"}')).toBe(1)
    expect(after.get('claude_proxy_runs_total{outcome="agent_failed"}')).toBe(1)
    expect(after.get('claude_proxy_errors_total{code="not_found"}')).toBe(1)
    expect(after.get('claude_proxy_events_stored_total')).toBeGreaterThan(events.length)
    const bytes = events.reduce((sum, { data }) => sum + data.length, 0)
    expect(after.get('claude_proxy_stream_bytes_total')).toBeGreaterThan(bytes)
    expect(after.get('claude_proxy_commit_seconds_count')).toBeGreaterThan(
      before.get('claude_proxy_commit_seconds_count') ?? Infinity,
    )
    expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    expect(after.get('process_cpu_seconds_total')).toBeGreaterThan(0)
  })

  it('shows what is under way now, from the store: also after a restart, when its counters begin anew', async () => {
    await using service = await startTestService()
    const asking = await stream(service.base, prompt(service, '@ask Bash {"command":"ls"}'))
    await asking.until(({ event }) => event.type === 'tool_permission')
    const during = await metrics(service.base)
    expect(during.get('claude_proxy_runs_active{state="running"}')).toBe(1)
    expect(during.get('claude_proxy_subscribers')).toBe(1)
    expect(during.get('claude_proxy_approvals_pending')).toBe(1)
    await expect
      .poll(async () => (await metrics(service.base)).get('claude_proxy_approvals_oldest_seconds'), PATIENCE)
      .toBeGreaterThan(0)
    asking.cut()
    await service.restart()
    const after = await metrics(service.base)
    expect(after.get('claude_proxy_runs_active{state="running"}')).toBe(0)
    expect(after.get('claude_proxy_runs_total{outcome="interrupted"}')).toBeUndefined()
    expect(after.get('claude_proxy_subscribers')).toBe(0)
  })

  it('asks for the token, as it tells what goes on here', async () => {
    await using service = await startTestService({ config: { token: 'secret' } })
    expect((await call(`${service.base}/metrics`)).status).toBe(401)
    const { status, headers, text } = await call(`${service.base}/metrics`, {
      headers: { authorization: 'Bearer secret' },
    })
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(text).toContain('# TYPE claude_proxy_runs_total counter\n')
    expect(text.endsWith('\n')).toBe(true)
  })

  it('tells starts of the real agent apart, cold and warm, and what it has used and holds', async () => {
    await using service = await startTestService({ agent: 'claude' })
    const first = prompt(service, '@usage 500 70\n@end One.')
    await streamAll(service.base, first)
    const head = await streamAll(service.base, { ...first, text: '@end Two.' })
    expect(head.at(-1)?.event.type).toBe('result')
    const all = await metrics(service.base)
    expect(all.get('claude_proxy_agent_start_seconds_count{start="cold"}')).toBe(1)
    expect(all.get('claude_proxy_agent_start_seconds_count{start="warm"}')).toBe(1)
    expect(all.get('claude_proxy_agent_start_seconds_sum{start="cold"}')).toBeGreaterThan(0)
    expect(all.get('claude_proxy_agent_processes{state="resting"}')).toBe(1)
    expect(all.get('claude_proxy_agent_memory_bytes')).toBeGreaterThan(10_000_000)
    const tokens = [...all].filter(([name]) => name.startsWith('claude_proxy_tokens_total'))
    expect(tokens.reduce((sum, [, value]) => sum + value, 0)).toBeGreaterThanOrEqual(570)
  })
})

describe('/readyz', () => {
  const ready = (service: { base: string }) => call(`${service.base}/readyz`)

  it('says yes to everybody, with a sentence for each check and no path in it', async () => {
    await using service = await startTestService({ agent: 'claude', config: { token: 'secret' } })
    await expect.poll(async () => (await ready(service)).status, PATIENCE).toBe(200)
    const { json, text } = await ready(service)
    const names = (json?.['checks'] as { name: string }[] | undefined)?.map(({ name }) => name)
    expect(names).toEqual(['service', 'agent', 'store', 'disk'])
    expect(text).not.toContain(service.dataDir)
  })

  it('says no when the agent has nothing to log in with', async () => {
    await using service = await startTestService({ agent: 'claude', environment: { ANTHROPIC_API_KEY: '' } })
    // A busy machine has no writing thread at once.
    const checks = async () => (await ready(service)).json?.['checks']
    await expect.poll(checks, PATIENCE).toContainEqual(expect.objectContaining({ name: 'store', status: 'ok' }))
    const { status, json } = await ready(service)
    expect(status).toBe(503)
    expect(json).toMatchObject({ error: 'not_ready', message: expect.stringContaining('claude setup-token') })
    expect(json?.['checks']).toContainEqual(expect.objectContaining({ name: 'agent', status: 'failed' }))
    // The log hears of it once, however often somebody asks.
    const heard = service.complaints.filter((each) => each.startsWith('not ready'))
    await ready(service)
    expect(heard.length).toBeGreaterThan(0)
    expect(service.complaints.filter((each) => each.startsWith('not ready'))).toEqual(heard)
    expect(service.complaints.filter((each) => each.startsWith('a request failed'))).toEqual([])
  })

  it('says no when the disk is nearly full', async () => {
    await using service = await startTestService({ config: { minFreeMegabytes: 1_000_000_000 } })
    const message = async () => (await ready(service)).json?.['message']
    await expect.poll(message, PATIENCE).toMatch(/^Only \d+ MB are free/)
    expect((await ready(service)).status).toBe(503)
  })

  it('says no when nothing can be written, and yes again a second after it can', async () => {
    await using service = await startTestService()
    await expect.poll(async () => (await ready(service)).status, PATIENCE).toBe(200)
    // Root writes also where it may not: what nobody can write is a directory of the file's name.
    const inTheWay = join(service.dataDir, 'probe')
    mkdirSync(inTheWay)
    const checks = async () => (await ready(service)).json?.['checks']
    await expect.poll(checks, PATIENCE).toContainEqual(expect.objectContaining({ name: 'store', status: 'failed' }))
    rmSync(inTheWay, { recursive: true })
    await expect.poll(async () => (await ready(service)).status, PATIENCE).toBe(200)
  })
})
