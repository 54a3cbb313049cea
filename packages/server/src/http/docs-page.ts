import type { OpenApi, Operation, Parameter, Schema } from '@claude-proxy/protocol/openapi'

/** An OpenAPI document as a page to read: no scripts, no other files. */
export function docsPage({ info, tags, paths, components }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags[0] === name)
    return `<section><h2>${text(capital(name))}</h2><p>${prose(description)}</p>${own.map(door).join('')}</section>`
  })
  const shapes = Object.entries(components.schemas).map(
    ([name, schema]) => `<article id="${text(name)}"><h3>${text(name)}</h3>${shape(schema)}</article>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(info.title)}</title><style>${STYLE}</style></head><body>
<header><h1>${text(info.title)} <small>${text(info.version)}</small></h1><p>${text(info.description)}</p>
<p><a href="openapi.json">openapi.json</a></p></header>
<main>${sections.join('\n')}<section><h2>Shapes</h2>${shapes.join('\n')}</section></main></body></html>
`
}

interface Door {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

function door({ path, method, operation: { operationId, summary, parameters = [], requestBody, responses } }: Door) {
  const body = requestBody?.content['application/json']
  const answers = Object.entries(responses)
    .filter(([status]) => !status.endsWith('XX'))
    .map(([status, { content }]) => `<h4>Answers ${text(status)}</h4>${Object.entries(content).map(answer).join('')}`)
  return `<article id="${text(operationId)}"><h3><code><b>${text(method)}</b> ${text(path)}</code></h3>
<p>${prose(summary)}</p>${parameters.length > 0 ? table(parameters.map(parameterRow)) : ''}
${body ? `<h4>Body</h4>${shape(body.schema)}${example(body.example)}` : ''}${answers.join('')}</article>`
}

function answer([type, { schema, example: shown }]: [string, { schema: Schema; example?: unknown }]): string {
  const what = schema.$ref === undefined ? prose(schema.description ?? '') : kind(schema)
  return `<p><code>${text(type)}</code> ${what}</p>${example(shown)}`
}

function parameterRow({ name, in: where, required = false, description = '', schema }: Parameter): string {
  return row(name, `${kind(schema)} (${where})`, required, description)
}

/** The fields of an object, or what else it is. */
function shape(schema: Schema): string {
  const { properties, required = [], description } = schema
  if (properties === undefined) return `<p>${kind(schema)}</p>`
  const rows = Object.entries(properties).map(([name, field]) =>
    row(name, kind(field), required.includes(name), field.description ?? ''),
  )
  return `${description === undefined ? '' : `<p>${prose(description)}</p>`}${table(rows)}`
}

function row(name: string, what: string, isRequired: boolean, description: string): string {
  return `<tr><th><code>${text(name)}</code>${isRequired ? '' : '<small>optional</small>'}</th><td>${what}</td><td>${prose(description)}</td></tr>`
}

function table(rows: readonly string[]): string {
  return `<div><table>${rows.join('')}</table></div>`
}

/** What a value may be, in a few words. */
function kind(schema: Schema): string {
  const { $ref: ref, enum: values, const: only, anyOf, type, items, format } = schema
  const name = ref?.split('/').at(-1)
  if (name !== undefined) return `<a href="#${text(name)}">${text(name)}</a>`
  if (values !== undefined) return values.map((value) => `<code>${text(value)}</code>`).join(' ')
  if (only !== undefined) return `<code>${text(JSON.stringify(only))}</code>`
  if (anyOf !== undefined) return anyOf.map(kind).join(' or ')
  if (items !== undefined) return `list of ${kind(items)}`
  return text(format ?? [type ?? 'anything'].flat().join(' or '))
}

function example(value: unknown): string {
  if (value === undefined) return ''
  return `<pre>${text(typeof value === 'string' ? value : JSON.stringify(value, undefined, 2))}</pre>`
}

function capital(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

/** A sentence in which `code` stands in backticks. */
function prose(value: string): string {
  return text(value).replaceAll(/`([^`]*)`/g, '<code>$1</code>')
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

const STYLE = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:0 auto;padding:1rem}
h2{margin-top:3rem;border-bottom:1px solid}h3{margin-top:2rem;overflow-wrap:anywhere}h4{margin-bottom:.25rem}
article:target{outline:2px solid;outline-offset:.5rem}
div{overflow-x:auto}table{border-collapse:collapse}th,td{padding:.25rem 1rem .25rem 0;text-align:left;vertical-align:top}
th{font-weight:normal}small{opacity:.7;margin-left:.5rem}
pre{padding:.75rem;overflow-x:auto;border:1px solid #8884;border-radius:.25rem}code,pre{font-size:.9em}`
