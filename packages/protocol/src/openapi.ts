import { z } from 'zod'
import * as answers from './answers.ts'
import { type AnswerName, ENDPOINTS, type EndpointName, type SchemaName, type StreamName } from './endpoints.ts'
import { EXAMPLES } from './examples.ts'
import * as requests from './requests.ts'

/** What of an OpenAPI document is used here. */
export interface OpenApi {
  readonly openapi: string
  readonly info: {
    readonly title: string
    readonly version: string
    readonly description: string
    readonly license: object
  }
  readonly servers: readonly object[]
  readonly security: readonly object[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Schemas; readonly securitySchemes: object }
}

type Schemas = Readonly<Record<string, Schema>>

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly security?: readonly object[]
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly responses: Readonly<Record<string, Response>>
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
  readonly example?: unknown
}

interface Response {
  readonly description: string
  readonly content: Content
}

type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>

export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Schemas
  readonly required?: readonly string[]
}

/** The table of endpoints as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1). */
export function openApi(version: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const name of Object.keys(ENDPOINTS) as EndpointName[]) {
    const { path, method } = ENDPOINTS[name]
    const key = path.replaceAll(/:(\w+)/g, '{$1}')
    paths[key] = { ...paths[key], [method.toLowerCase()]: operation(name) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Claude Agent SSE Proxy',
      version,
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Runs Claude Code on your server and gives every run as a stream of numbered events that can be resumed. ' +
        'PROTOCOL.md says what the fields mean and what is promised. Fields that are null count as absent in requests.',
    },
    servers: [{ url: '/' }],
    security: [{}, { token: [] }],
    tags: TAGS.map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Where the operator has set a token.' },
      },
      schemas: components(),
    },
  }
}

const TAGS = [
  ['conversations', 'Conversations by their own ids: the doors for new clients.'],
  ['agent', 'Starting and watching in one call, and the pointer of a folder: the doors of version 1.'],
  ['queue', 'Prompts that wait, and what goes on.'],
  ['approvals', 'Questions of the agent to a person.'],
  ['service', 'The service itself.'],
] as const

function tagOf(name: EndpointName): (typeof TAGS)[number][0] {
  const { path } = ENDPOINTS[name]
  if (path.startsWith('/v1/approval')) return 'approvals'
  if (path.startsWith('/v1/queue') || name === 'queue' || name === 'interrupt') return 'queue'
  if (path.startsWith('/v1/agent') || OLD.has(name)) return 'agent'
  return path.startsWith('/v1/') ? 'conversations' : 'service'
}

const OLD = new Set<EndpointName>(['canonical', 'activate', 'events'])

function operation(name: EndpointName): Operation {
  const { path: _path, method: _method, does, ...door } = ENDPOINTS[name] as Door
  const example = EXAMPLES[name]
  const parameters = [
    ...(door.params ? fields(door.params, 'path', example?.path) : []),
    ...(door.query ? fields(door.query, 'query', example?.query) : []),
    ...(HEADERS[name] ?? []).map((header) => HEADER_PARAMETERS[header]),
  ]
  return {
    operationId: name,
    summary: does,
    tags: [tagOf(name)],
    ...(door.isOpen && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(door.body && {
      requestBody: {
        required: name !== 'interrupt',
        content: { 'application/json': { schema: inputSchema(door.body), ...exampleOf(example?.body) } },
      },
    }),
    ...(door.isFile && { requestBody: { required: true, content: { '*/*': { schema: { type: 'string' } } } } }),
    responses: {
      [door.status ?? 200]: { description: 'It worked.', content: content(door.answer, example?.answer) },
      '4XX': problem('The request is wrong, or comes at the wrong time. Nothing was changed.'),
      '5XX': problem('The service cannot do it now. Nothing was changed.'),
    },
  }
}

interface Door {
  readonly method: string
  readonly path: string
  readonly does: string
  readonly body?: SchemaName
  readonly query?: SchemaName
  readonly params?: SchemaName
  readonly answer: AnswerName | StreamName
  readonly status?: number
  readonly isOpen?: true
  readonly isFile?: true
}

const HEADERS: Partial<Record<EndpointName, (keyof typeof HEADER_PARAMETERS)[]>> = {
  stream: ['Last-Event-ID', 'Idempotency-Key'],
  watch: ['Last-Event-ID'],
  feed: ['Last-Event-ID'],
  send: ['Idempotency-Key'],
}

const HEADER_PARAMETERS = {
  'Last-Event-ID': {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The id of the last event that the client has.',
    schema: { type: 'string' },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'By what the client knows this request again: sent twice, it happens once.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
} as const

function problem(description: string): Response {
  return { description, content: { 'application/json': { schema: reference('Problem') } } }
}

function content(answer: Door['answer'], example: object | string | undefined): Content {
  if (!(answer in STREAMS)) return { 'application/json': { schema: reference(answer), ...exampleOf(example) } }
  const types = Object.entries(STREAMS[answer as StreamName])
  return Object.fromEntries(
    types.map(([type, description]) => [type, { schema: { type: 'string', description }, ...exampleOf(example) }]),
  )
}

/** What is no JSON of ours, by media type. */
const STREAMS: Readonly<Record<StreamName, Readonly<Record<string, string>>>> = {
  events: {
    'text/event-stream': 'Server-Sent Events: `id` is the number of the event, `data` one event (see `Event`).',
  },
  feed: {
    'text/event-stream':
      'Server-Sent Events: `id` is a cursor, `data` is `conversation_id`, `number` and `event` (see `Event`).',
  },
  lines: { 'application/x-ndjson': 'One event as JSON a line (see `Event`).' },
  page: { 'text/html': 'A page to read.' },
  document: { 'text/markdown': 'The default.', 'text/html': 'One file, no scripts.', 'application/json': 'By turns.' },
  measures: { 'text/plain': 'The text format 0.0.4 of Prometheus.' },
  file: { 'application/octet-stream': 'The bytes, under their own media type.' },
}

function exampleOf(example: unknown): { readonly example?: unknown } {
  return example === undefined ? {} : { example }
}

function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

/** The fields of a path or a query, each as a parameter. */
function fields(
  name: SchemaName,
  where: 'path' | 'query',
  example: Readonly<Record<string, string>> = {},
): Parameter[] {
  const { properties = {}, required = [] } = inputSchema(name)
  return Object.entries(properties).map(([field, schema]) => {
    const isRequired = where === 'path' || required.includes(field)
    const { description = '' } = schema
    return Object.assign(
      { name: field, in: where, required: isRequired, description, schema },
      exampleOf(example[field]),
    )
  })
}

function inputSchema(name: SchemaName): Schema {
  return asPresent(withoutNames(z.toJSONSchema(REQUESTS[name], WRITTEN) as Schema))
}

const REQUESTS = { ...requests }

/** The answers by name, and what they are made of. */
function components(): Schemas {
  const registry = z.registry<{ id: string }>()
  for (const [name, schema] of Object.entries(answers)) registry.add(schema, { id: name })
  const { schemas } = z.toJSONSchema(registry, { ...WRITTEN, uri: (id) => `#/components/schemas/${id}` })
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutNames(schema as Schema)]))
}

/** Schemas of what is sent. The pattern of all dates says nothing that `format` does not. */
const WRITTEN = {
  io: 'input',
  override({ jsonSchema }: { jsonSchema: { format?: unknown; pattern?: unknown } }) {
    if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
  },
} as const

/** Each schema is named by where it stands. */
function withoutNames(schema: Schema): Schema {
  const {
    $schema: _schema,
    $id: _id,
    id: _name,
    ...rest
  } = schema as Schema & Record<'$schema' | '$id' | 'id', unknown>
  return rest
}

/** Null means absent: said once for all fields, it need not be repeated at each. */
function asPresent(schema: Schema): Schema {
  if (schema.properties === undefined) return schema
  const shown = Object.entries(schema.properties).map(([name, field]) => [name, asPresent(withoutNull(field))])
  return { ...schema, properties: Object.fromEntries(shown) }
}

function withoutNull(schema: Schema): Schema {
  const { anyOf, type, ...rest } = schema
  if (anyOf !== undefined) {
    const left = anyOf.filter((each) => each.type !== 'null')
    return left.length === 1 ? { ...left[0], ...rest } : { ...schema, anyOf: left }
  }
  return Array.isArray(type) ? { ...rest, type: type.filter((each) => each !== 'null') } : schema
}
