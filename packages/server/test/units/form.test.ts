import { expect, it } from 'vitest'
import { checkForm } from '../../src/http/form.ts'

const titled = [
  { const: 'r', title: 'Red' },
  { const: 'g', title: 'Green' },
]
const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 3 },
    age: { type: 'integer' },
    height: { type: 'number' },
    member: { type: 'boolean' },
    size: { type: 'string', enum: ['S', 'M'] },
    colour: { type: 'string', oneOf: titled },
    sizes: { type: 'array', items: { type: 'string', enum: ['S', 'M'] } },
    colours: { type: 'array', items: { anyOf: titled } },
    later: { type: 'something that schemas will have' },
  },
  required: ['name'],
}
const whole = { name: 'Ada', age: 36, height: 1.65, member: true, size: 'S', colour: 'g', sizes: ['S', 'M'] }

it('what was asked for is taken, with or without the fields that may be left out', () => {
  checkForm({ name: 'Ada' }, schema)
  checkForm({ ...whole, colours: ['r'], later: { a: 1 } }, schema)
  checkForm({}, { ...schema, required: undefined })
})

it.each([
  [{}, 'the field "name" is missing'],
  [{ ...whole, shoe: 4 }, 'there is no field "shoe"'],
  [{ ...whole, constructor: 4 }, 'there is no field "constructor"'],
  [{ ...whole, name: 4 }, 'the field "name" has to be of type string'],
  [{ ...whole, age: 3.5 }, 'the field "age" has to be of type integer'],
  [{ ...whole, height: '165' }, 'the field "height" has to be of type number'],
  [{ ...whole, member: 'yes' }, 'the field "member" has to be of type boolean'],
  [{ ...whole, sizes: 'S' }, 'the field "sizes" has to be of type array'],
  [{ ...whole, size: 'XL' }, '"XL" is none of the choices of the field "size"'],
  [{ ...whole, colour: 'Red' }, '"Red" is none of the choices of the field "colour"'],
  [{ ...whole, sizes: ['S', 'XL'] }, '"XL" is none of the choices of the field "sizes"'],
  [{ ...whole, colours: ['b'] }, '"b" is none of the choices of the field "colours"'],
])('what the server would refuse is told to the person: %j', (answers, sentence) => {
  expect(() => checkForm(answers, schema)).toThrow(`answers: ${sentence}.`)
})

it.each([undefined, null, 'a string', {}, { properties: 7, required: 7 }, { properties: { a: null } }])(
  'a schema that says nothing refuses nothing: %j',
  (odd) => checkForm({}, odd),
)
