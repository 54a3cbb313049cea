import * as answers from '@claude-proxy/protocol/answers'
import * as requests from '@claude-proxy/protocol/requests'
import { z } from 'zod'

/**
 * The schemas of the protocol as types that need no zod: who installs the client gets them as they are. A constant
 * stands for its schema, and holds what is written by it and what is read.
 */
export function typesOf(schemas: Readonly<Record<string, z.ZodType>>): string {
  const types = Object.entries(schemas).map(([name, schema]) => {
    const written = typeOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
    return `export declare const ${name}: { readonly written: ${written}; readonly read: ${readAs(schema)} }\n`
  })
  return types.join('')
}

export const REQUESTS = Object.fromEntries(Object.entries(requests).filter(([, each]) => each instanceof z.ZodType))
export const ANSWERS = { ...answers }

/** What `z` is to the types of the protocol, said of the constants above. */
export const ZOD = `export declare namespace z {
  type input<S> = S extends { readonly written: infer T } ? T : never
  type output<S> = S extends { readonly read: infer T } ? T : never
}
`

interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
}

function typeOf(schema: unknown, known: Readonly<Record<string, Schema>> = {}): string {
  const {
    $ref,
    $defs = known,
    type,
    enum: values,
    const: value,
    anyOf,
    oneOf = anyOf,
    items,
    ...object
  } = schema as Schema
  const inner = (part: unknown) => typeOf(part, $defs)
  if ($ref !== undefined) return inner($defs[$ref.replace('#/$defs/', '')])
  if (values) return values.map((each) => JSON.stringify(each)).join(' | ')
  if (value !== undefined) return JSON.stringify(value)
  if (oneOf) return `(${oneOf.map(inner).join(' | ')})`
  if (Array.isArray(type)) return `(${type.map((each: string) => inner({ ...object, items, type: each })).join(' | ')})`
  switch (type) {
    case 'object':
      return objectOf(object, inner)
    case 'array':
      return `(${inner(items ?? {})})[]`
    case 'integer':
      return 'number'
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return type
    default:
      return 'unknown'
  }
}

function objectOf(
  { properties = {}, required = [], additionalProperties: more }: Schema,
  inner: (part: unknown) => string,
) {
  const fields = Object.entries(properties).map(([name, field]) => {
    const description = (field as { description?: string }).description
    const comment = description === undefined ? '' : `/** ${description.replaceAll('*/', '*\\/')} */ `
    const isThere = required.includes(name)
    return `${comment}${nameOf(name)}${isThere ? '' : '?'}: ${inner(field)}${isThere ? '' : ' | undefined'}`
  })
  const others = typeof more === 'object' ? [`[field: string]: ${inner(more)}`] : []
  return `{ ${[...fields, ...others].join('; ')} }`
}

function nameOf(field: string): string {
  return /^\w+$/.test(field) ? field : JSON.stringify(field)
}

/** Values of a query are text; what the service makes of it is tried. */
function readAs(schema: z.ZodType): string {
  if (!(schema instanceof z.ZodObject)) return 'unknown'
  const fields = Object.entries(schema.shape)
  return `{ ${fields.map(([name, field]) => `${nameOf(name)}: ${valueOf(field)}`).join('; ')} }`
}

function valueOf(field: z.ZodType): string {
  const values = ['true', '1'].map((text) => field.safeParse(text)).filter(({ success }) => success)
  const [value] = values.map(({ data }) => data)
  if (Array.isArray(value)) return 'string[]'
  return typeof value === 'number' || typeof value === 'boolean' ? typeof value : 'string'
}
