import { expect, it } from 'vitest'
import type { Approval, ApprovalRequest } from '../../src/core/ports/approval.ts'
import { decisionOf } from '../../src/http/approvals.ts'

const asked = (request: Partial<ApprovalRequest>) => ({ request: { input: {}, ...request } }) as Approval
const question = asked({ kind: 'question', input: { questions: [{ question: 'Which?' }], keep: true } })

it('a question is answered by its choices, in free words, or both; the rest of the call stays', () => {
  expect(decisionOf({ behavior: 'allow', response: 'Neither.' }, question)).toEqual({
    behavior: 'allow',
    updatedInput: { questions: [{ question: 'Which?' }], keep: true, response: 'Neither.' },
  })
  expect(decisionOf({ behavior: 'allow', answers: { 'Which?': 'B' }, response: 'It is better.' }, question)).toEqual({
    behavior: 'allow',
    updatedInput: {
      questions: [{ question: 'Which?' }],
      keep: true,
      answers: { 'Which?': 'B' },
      response: 'It is better.',
    },
  })
})

it('an answer to what was not asked is refused, whatever the agent has asked', () => {
  const answers = { 'Why?': 'B' }
  for (const approval of [question, asked({ kind: 'question', input: { questions: 'odd' } })])
    expect(() => decisionOf({ behavior: 'allow', answers }, approval)).toThrow('there is no question "Why?"')
  for (const kind of ['tool', 'plan'] as const)
    expect(() => decisionOf({ behavior: 'allow', answers }, asked({ kind }))).toThrow('answers belong to a question')
})

it('a form that asks for nothing can be left empty; one that asks cannot', () => {
  const requestedSchema = { properties: { colour: { type: 'string' } }, required: ['colour'] }
  const form = (more: object) => asked({ kind: 'elicitation', input: { requestedSchema: more } })
  expect(decisionOf({ behavior: 'allow' }, form({ properties: {} }))).toEqual({ behavior: 'allow' })
  expect(() => decisionOf({ behavior: 'allow' }, form(requestedSchema))).toThrow('the field "colour" is missing')
})
