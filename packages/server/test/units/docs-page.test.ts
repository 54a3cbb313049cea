import { expect, test } from 'vitest'
import type { OpenApi, Schema } from '@claude-proxy/protocol/openapi'
import { docsPage } from '../../src/http/docs-page.ts'

/** A document with one door, which answers with `schema`. */
function page(schema: Schema, name = 'Thing'): string {
  const content = { 'application/json': { schema } }
  const operation = { operationId: 'thing', summary: 'Gives `it`.', tags: ['things'], responses: {} }
  const document: OpenApi = {
    openapi: '3.1.0',
    info: { title: 'A <service>', version: '1', description: 'Does & is.', license: {} },
    servers: [],
    security: [],
    tags: [{ name: 'things', description: 'All of them.' }],
    paths: {
      '/thing': {
        get: { ...operation, responses: { 200: { description: '', content }, '4XX': { description: '', content } } },
      },
    },
    components: { schemas: { [name]: schema }, securitySchemes: {} },
  }
  return docsPage(document)
}

test.each([
  ['an answer without a word about it', { type: 'string' }, '<p><code>application/json</code> </p>'],
  [
    'an answer that is told in a sentence',
    { type: 'string', description: 'A `word`.' },
    '</code> A <code>word</code>.</p>',
  ],
  ['an answer that has a shape', { $ref: '#/components/schemas/Thing' }, '<a href="#Thing">Thing</a>'],
  ['a shape that is no object', { type: 'string', format: 'date-time' }, '<p>date-time</p>'],
  [
    'one that may be several',
    { anyOf: [{ type: ['integer', 'null'] }, { items: {} }] },
    '<p>integer or null or list of anything</p>',
  ],
  ['one of some words', { enum: ['a', 'b'] }, '<p><code>a</code> <code>b</code></p>'],
  ['one word', { const: true }, '<p><code>true</code></p>'],
] satisfies [string, Schema, string][])('the page shows %s', (_, schema, html) => {
  expect(page(schema)).toContain(html)
})

test('the page shows the fields of an object, and which of them may be missing', () => {
  const properties = { id: { type: 'string' }, at: { type: 'string', description: 'When.' } }
  const html = page({ description: 'One.', properties, required: ['id'] })
  expect(html).toContain('<p>One.</p>')
  expect(html).toContain('<th><code>id</code></th>')
  expect(html).toContain('<th><code>at</code><small>optional</small></th><td>string</td><td>When.</td>')
})

test('nothing that a name or a sentence holds becomes a part of the page', () => {
  const html = page({ description: '<script>alert("1")</script>', properties: {} }, '"><script>')
  expect(html).not.toContain('<script>')
  expect(html).toContain('<h1>A &lt;service&gt; ')
})
