import { AppError } from '@claude-proxy/protocol/errors'

/**
 * Checks what a person has filled into the form of an MCP server (its `requestedSchema`), as far as the server would
 * refuse it and the question be used up: fields that are asked for, there when they have to be, of their type, and one
 * of the choices. Lengths, formats and whatever else a schema can say are the server's to judge.
 */
export function checkForm(answers: Readonly<Record<string, unknown>>, requestedSchema: unknown): void {
  const { properties, required } = object(requestedSchema)
  // A page to visit: there is nothing to fill in.
  if (properties === undefined) return
  const fields = object(properties)
  for (const [name, value] of Object.entries(answers)) {
    if (!Object.hasOwn(fields, name)) throw wrong(`there is no field "${name}"`)
    checkField(name, value, object(fields[name]))
  }
  for (const name of Array.isArray(required) ? required : [])
    if (!Object.hasOwn(answers, String(name))) throw wrong(`the field "${name}" is missing`)
}

function checkField(name: string, value: unknown, field: Schema): void {
  const is = TYPES[String(field['type'])]
  if (is && !is(value)) throw wrong(`the field "${name}" has to be of type ${String(field['type'])}`)
  const choices = choicesOf(field) ?? choicesOf(object(field['items']))
  const chosen: unknown[] = Array.isArray(value) ? value : [value]
  const other = choices && chosen.find((each) => !choices.includes(each))
  if (other !== undefined) throw wrong(`${JSON.stringify(other)} is none of the choices of the field "${name}"`)
}

const TYPES: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
}

/** Plain (`enum`), or with titles (`oneOf`, and `anyOf` where several can be chosen). */
function choicesOf(field: Schema): unknown[] | undefined {
  const { enum: plain, oneOf, anyOf } = field
  if (Array.isArray(plain)) return plain
  const titled = oneOf ?? anyOf
  return Array.isArray(titled) ? titled.map((each) => object(each)['const']) : undefined
}

type Schema = Readonly<Record<string, unknown>>

function object(value: unknown): Schema {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function wrong(what: string): AppError {
  return new AppError('bad_request', `answers: ${what}.`)
}
