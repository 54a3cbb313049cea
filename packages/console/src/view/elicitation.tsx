import type { Question } from '@claude-proxy/client/view'
import type { Answering } from './approval.tsx'

/** A field that an MCP server asks for, of the few kinds that there are. */
interface Field {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly oneOf?: readonly Titled[]
  readonly anyOf?: readonly Titled[]
  /** What can be chosen where several can. */
  readonly items?: Field
  readonly default?: unknown
}

interface Titled {
  readonly const: string
  readonly title?: string
}

interface Schema {
  readonly properties?: Readonly<Record<string, Field>>
  readonly required?: readonly string[]
}

/** What a tool asks of a person, as a form of its fields. */
export function Elicitation({ question: { input }, answer }: { question: Question; answer: Answering }) {
  const { properties = {}, required = [] } = Object(input['requestedSchema']) as Schema
  const fields = Object.entries(properties)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const data = new FormData(event.currentTarget)
        const answers = fields.flatMap(([name, field]) => {
          const value = valueOf(field, data.getAll(name).map(String))
          return value === undefined ? [] : [[name, value] as const]
        })
        void answer({ behavior: 'allow', answers: Object.fromEntries(answers) })
      }}
    >
      {typeof input['message'] === 'string' && <p>{input['message']}</p>}
      {fields.map(([name, field]) => (
        <label key={name} class={field.type === 'boolean' ? 'inline' : ''}>
          <span>
            {field.title ?? name}
            {field.description !== undefined && <small>{field.description}</small>}
          </span>
          <FieldInput name={name} field={field} isRequired={required.includes(name)} />
        </label>
      ))}
      <div class="actions">
        <button type="submit" class="primary">
          Answer
        </button>
        <button type="button" onClick={() => void answer({ behavior: 'deny' })}>
          Do not answer
        </button>
      </div>
    </form>
  )
}

function FieldInput({ name, field, isRequired }: { name: string; field: Field; isRequired: boolean }) {
  const { type, default: preset } = field
  if (type === 'boolean') return <input type="checkbox" name={name} defaultChecked={preset === true} />
  const given = typeof preset === 'string' || typeof preset === 'number' ? String(preset) : ''
  const choices = choicesOf(field)
  if (choices)
    return (
      <select name={name} required={isRequired} multiple={type === 'array'}>
        {type !== 'array' && <option value="" />}
        {choices.map(({ value, words }) => (
          <option key={value} value={value} selected={value === given}>
            {words}
          </option>
        ))}
      </select>
    )
  if (type === 'number' || type === 'integer')
    return (
      <input
        type="number"
        step={type === 'number' ? 'any' : 1}
        name={name}
        required={isRequired}
        defaultValue={given}
      />
    )
  return <input type="text" name={name} required={isRequired} defaultValue={given} />
}

/** Plain (`enum`), or with titles (`oneOf`, and `anyOf` where several can be chosen). */
function choicesOf({ enum: plain, oneOf, anyOf, items }: Field): { value: string; words: string }[] | undefined {
  if (plain) return plain.map((value) => ({ value, words: value }))
  const titled = (oneOf ?? anyOf)?.map(({ const: value, title = value }) => ({ value, words: title }))
  return titled ?? (items && choicesOf(items))
}

/** What was filled in, as the type that the server wants; undefined where nothing was. */
function valueOf({ type }: Field, filled: readonly string[]): unknown {
  const [first = ''] = filled
  if (type === 'boolean') return filled.length > 0
  if (type === 'array') return filled
  if (first === '') return undefined
  return type === 'number' || type === 'integer' ? Number(first) : first
}
