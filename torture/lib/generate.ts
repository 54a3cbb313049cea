import { type EndpointName, ENDPOINTS, type SchemaName } from '@claude-proxy/protocol/endpoints'
import * as requests from '@claude-proxy/protocol/requests'
import { z } from 'zod'
import type { Random } from './random.ts'

/** What requests can be about: folders and names, such that some lead somewhere. */
export interface Subjects {
  readonly folders: readonly string[]
  /** Folders that are there and that hardly anybody has asked for. */
  readonly fresh: readonly string[]
  readonly ids: readonly string[]
}

type Schema = z.core.JSONSchema.BaseSchema

const SCHEMAS = new Map<SchemaName, Schema>()

/** The shape of a body, query or path, read from the schema that the service itself uses. */
export function shapeOf(name: SchemaName): Schema {
  let shape = SCHEMAS.get(name)
  if (!shape) {
    const all: Readonly<Record<SchemaName, z.ZodType>> = { ...requests }
    shape = z.toJSONSchema(all[name], { io: 'input', unrepresentable: 'any' })
    SCHEMAS.set(name, shape)
  }
  return shape
}

/** The schema of one part of what a door takes, if it takes any. */
export function schemaOf(door: EndpointName, part: 'body' | 'query' | 'params'): Schema | undefined {
  const endpoint: Readonly<Record<string, unknown>> = ENDPOINTS[door]
  const name = endpoint[part] as SchemaName | undefined
  return name && shapeOf(name)
}

/** JSON texts that are odd as a value: some are no JSON at all. */
const ODD = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e999',
  '-1E400',
  '1e-400',
  '9007199254740993',
  '1'.repeat(400),
  '""',
  '" "',
  '"\\t\\n"',
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202etxt.exe"',
  '"\\u001b[31mred\\u001b[0m"',
  '"\\r\\nX-Injected: 1\\r\\n\\r\\n"',
  '"%0d%0aX-Injected:%201"',
  '"../../../../etc/passwd"',
  '"/etc/passwd"',
  '"/proc/self/environ"',
  '"/dev/zero"',
  '"~"',
  '"~root"',
  '"file:///"',
  '"\'; DROP TABLE conversation; --"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"💥ünïcödé\u2028\u2029"',
  '"\\ufeff"',
  '"\\uffff"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '["a",1]',
  '{"":""}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":1,"a":2}',
  '{"length":1e9}',
  '{"then":"x"}',
  '{"toJSON":"x"}',
  '{"command":"touch","args":["x"]}',
  '{"x":{"command":"touch","args":["x"]}}',
  '{"x":{"type":"http","url":"http://127.0.0.1:1/"}}',
  'NaN',
  'Infinity',
  '-',
  '01',
  '.5',
  "'x'",
  'undefined',
  '"\\x41"',
  '"\n"',
  '"',
  '{',
  '[1,]',
  '',
]

/** A JSON text that has nothing to do with what is asked for. */
export function oddJson(random: Random): string {
  if (random.chance(0.05)) return nested(random)
  if (random.chance(0.05))
    return `"${random
      .pick(['x', '\\u0000', 'é', '\\ud83d', '\\\\', '../'])
      .repeat(random.pick([129, 513, 4097, 70_000]))}"`
  if (random.chance(0.03)) return `[${Array.from({ length: random.pick([1001, 5000]) }, () => '""').join(',')}]`
  return random.pick(ODD)
}

function nested(random: Random): string {
  const depth = random.pick([50, 99, 101, 1000, 100_000])
  return random.chance(0.5) ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
}

/** A JSON text that fits the schema, as far as a schema can say it. `name` is what the value is called. */
export function fittingJson(schema: Schema, name: string, random: Random, subjects: Subjects): string {
  const known = subjectOf(name, random, subjects)
  if (known !== undefined) return JSON.stringify(known)
  if (schema.anyOf) return fittingJson(random.pick(schema.anyOf), name, random, subjects)
  if (schema.enum) return JSON.stringify(random.pick(schema.enum))
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type
  switch (type) {
    case 'string':
      return JSON.stringify(fittingText(schema, random))
    case 'integer':
      return String(random.int(0, 3))
    case 'boolean':
      return String(random.chance(0.5))
    case 'null':
      return 'null'
    case 'array':
      return `[${times(random.int(0, 3), () => fittingJson((schema.items ?? {}) as Schema, '', random, subjects))}]`
    case 'object':
      return fittingObject(schema, random, subjects)
    default:
      return oddJson(random)
  }
}

function fittingObject(schema: Schema, random: Random, subjects: Subjects): string {
  const properties = Object.entries(schema.properties ?? {})
  if (properties.length === 0) {
    const value = (schema.additionalProperties ?? {}) as Schema
    return `{${times(random.int(0, 2), (n) => `"k${n}":${fittingJson(value, '', random, subjects)}`)}}`
  }
  return `{${fieldsOf(schema, random, subjects)
    .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
    .join(',')}}`
}

/** The fields of an object that fits: all that are required, and some of the others. */
export function fieldsOf(schema: Schema, random: Random, subjects: Subjects): [name: string, json: string][] {
  const required = new Set(schema.required)
  const chosen = Object.entries(schema.properties ?? {}).filter(([key]) => required.has(key) || random.chance(0.2))
  return chosen.map(([key, value]) => [key, fittingJson(value as Schema, key, random, subjects)])
}

/** What makes a request lead somewhere: a folder that is there, a name that is known. */
function subjectOf(name: string, random: Random, { folders, fresh, ids }: Subjects): string | undefined {
  if (name === 'cwd') return random.pick(random.chance(0.15) ? fresh : folders)
  if (name === 'conversation_id' || name === 'id') return random.chance(0.8) ? random.pick(ids) : newId(random)
  if (name === 'permission_id') return newId(random)
  // None that asks: a question may wait for ever.
  if (name === 'text') return random.pick(TEXTS)
  if (name === 'data') return random.pick(FILES).toString('base64')
  if (name === 'since') return String(random.int(0, 5))
  return undefined
}

/** Prompts that end by themselves. */
const TEXTS = ['hello', '', ' ', 'x'.repeat(5000), '@fail', '@load n=3 rate=0', 'a\nb', '💥', '@nothing']

/** Files that can be attached, and one that cannot. */
export const FILES: readonly Buffer[] = [
  Buffer.from('hello'),
  Buffer.from('größe\n'.repeat(500)),
  Buffer.from('%PDF-1.4\n%%EOF\n'),
  Buffer.from('R0lGODlhAQABAAAAADs=', 'base64'),
  Buffer.from('PK\x03\x04'),
]

const EXAMPLES: Record<string, readonly string[]> = {
  uuid: ['00000000-0000-0000-0000-000000000000', '0f0b1a2c-7e1f-4a6e-8a0b-0c5a6a3b1234'],
  uri: ['http://127.0.0.1:1/', 'https://[::1]:1/x?y#z', 'data:,x'],
}

function fittingText(schema: Schema, random: Random): string {
  const examples = EXAMPLES[schema.format ?? '']
  if (examples) return random.pick(examples)
  return random.pick(['x', 'Bash', 'Bash(ls:*)', '*', 'mcp__a__b', 'claude', 'ünï', ' x '])
}

function newId(random: Random): string {
  return times(8, () => random.pick('0123456789abcdefABCDEF._-'.split('')))
    .replaceAll(',', '')
    .padStart(9, 'f')
}

function times(count: number, make: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => make(n)).join(',')
}
