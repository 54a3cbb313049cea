import { isDeepStrictEqual } from 'node:util'
import * as answers from '@claude-proxy/protocol/answers'
import { type AnswerName, ENDPOINTS } from '@claude-proxy/protocol/endpoints'
import { STATUS } from '@claude-proxy/protocol/errors'
import { createDoors } from '../../src/http/doors.ts'

const find = createDoors()
const ANSWERS = { ...answers }

/** Throws when an answer is not what the table of endpoints says of its door: every call of every test asks. */
export function checkAsDocumented(method: string, path: string, status: number, json: unknown): void {
  const name = find(path)?.byMethod.get(method)
  if (name === undefined || json === undefined) return
  const { answer, status: usual = 200 } = ENDPOINTS[name] as { answer: string; status?: number }
  if (status >= 400) {
    const { error } = answers.Problem.parse(json)
    if (STATUS[error as keyof typeof STATUS] !== status) throw new Error(`${name} answered ${status} with ${error}`)
  } else if (answer in ANSWERS) {
    const read = ANSWERS[answer as AnswerName].safeParse(json)
    // What a schema does not know it leaves out.
    if (read.success && isDeepStrictEqual(read.data, json) && status === usual) return
    throw new Error(`${name} answered ${status} ${JSON.stringify(json)}: ${read.error?.message ?? 'more than is told'}`)
  }
}
