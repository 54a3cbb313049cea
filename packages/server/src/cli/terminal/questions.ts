/** A question of the agent's with choices, as AskUserQuestion asks it. */
export interface Question {
  readonly text: string
  readonly isMultiple: boolean
  readonly options: readonly { readonly label: string; readonly description: string }[]
}

export interface Chosen {
  readonly question: string
  readonly answer: string
}

/** The questions in the input of the tool. What does not look like one is left out. */
export function optionsOf(input: Readonly<Record<string, unknown>>): Question[] {
  return listOf(input['questions']).map((each) => ({
    text: textOf(each['question']),
    isMultiple: each['multiSelect'] === true,
    options: listOf(each['options']).map((one) => ({
      label: textOf(one['label']),
      description: textOf(one['description']),
    })),
  }))
}

/** What a person means by a line: labels by their numbers, or their own words. Undefined: ask again. */
export function readChoice(line: string, { options, isMultiple }: Question): string | undefined {
  const text = line.trim()
  if (text === '') return undefined
  const numbers = text.split(/[\s,]+/)
  if (!numbers.every((each) => /^\d{1,3}$/.test(each))) return text
  const labels = numbers.map((each) => options[Number(each) - 1]?.label)
  if (labels.includes(undefined) || (labels.length > 1 && !isMultiple)) return undefined
  return labels.join(', ')
}

/** As the service takes them: by the words of the question. */
export function answersOf(chosen: readonly Chosen[]): Record<string, string> {
  return Object.fromEntries(chosen.map(({ question, answer }) => [question, answer]))
}

function listOf(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
