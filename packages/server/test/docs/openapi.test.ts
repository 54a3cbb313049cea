import { createConfig, lintFromString } from '@redocly/openapi-core'
import * as answers from '@claude-proxy/protocol/answers'
import { type AnswerName, ENDPOINTS, type EndpointName } from '@claude-proxy/protocol/endpoints'
import { EXAMPLES } from '@claude-proxy/protocol/examples'
import * as requests from '@claude-proxy/protocol/requests'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../support/client.ts'
import { startTestService, type TestService } from '../support/service.ts'

const ANSWERS = { ...answers }
const REQUESTS = { ...requests }

let service: TestService
beforeAll(async () => {
  service = await startTestService()
})
afterAll(() => service[Symbol.asyncDispose]())

it('a linter has nothing to say about /openapi.json', async () => {
  const { text } = await call(`${service.base}/openapi.json`)
  const config = await createConfig({ extends: ['recommended-strict'] })
  const problems = await lintFromString({ source: text, config, absoluteRef: '/openapi.json' })
  expect(problems.map(({ message, location }) => `${message} ${location[0]?.pointer}`)).toEqual([])
})

it('every schema of requests is what a door takes, or a header', () => {
  const doors: { path: string; body?: string; query?: string; params?: string }[] = Object.values(ENDPOINTS)
  const taken = new Set(doors.flatMap(({ body, query, params }) => [body, query, params]))
  expect(Object.keys(REQUESTS).filter((name) => !taken.has(name))).toEqual(['IdempotencyKey', 'LastEventId'])
})

it('/openapi.json has an operation for every door, and /docs a place', async () => {
  const { json } = await call(`${service.base}/openapi.json`)
  const page = await call(`${service.base}/docs`)
  const operations = Object.values(json?.['paths'] as object).flatMap((methods) => Object.values(methods as object))
  expect(new Set(operations.map(({ operationId }) => String(operationId)))).toEqual(new Set(Object.keys(ENDPOINTS)))
  for (const name of Object.keys(ENDPOINTS)) expect(page.text).toContain(`id="${name}"`)
})

it('both are for those who have the token', async () => {
  await using closed = await startTestService({ config: { token: 'secret' } })
  for (const path of ['/openapi.json', '/docs']) {
    expect((await call(`${closed.base}${path}`)).status).toBe(401)
    expect((await call(`${closed.base}${path}`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200)
  }
})

it('/docs runs nothing and fetches nothing', async () => {
  const { text, headers } = await call(`${service.base}/docs`)
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  expect(text).not.toMatch(/<script|<link|<img|src=|url\(/)
})

describe.each(Object.keys(ENDPOINTS) as EndpointName[])('the example of %s', (name) => {
  const door: { body?: string; query?: string; params?: string; answer: string } = ENDPOINTS[name]
  const example = EXAMPLES[name]

  it('is one that the service takes, and answers', () => {
    for (const [schema, value] of [
      [door.params, example?.path],
      [door.query, example?.query],
      [door.body, example?.body],
    ] as const)
      if (schema !== undefined && value !== undefined)
        expect(REQUESTS[schema as keyof typeof REQUESTS].safeParse(value).error).toBeUndefined()
    if (!(door.answer in ANSWERS)) return
    const answer = example?.answer
    if (answer !== undefined) expect(ANSWERS[door.answer as AnswerName].parse(answer)).toEqual(answer)
  })

  it('is there, with all that a request needs', () => {
    if (name === 'openApi' || name === 'docs') return
    expect(example?.answer).toBeDefined()
    for (const [schema, value] of [
      [door.params, example?.path],
      [door.body, example?.body],
    ])
      expect(value === undefined).toBe(schema === undefined)
  })
})
