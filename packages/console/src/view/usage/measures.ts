import type { Answer } from '@claude-proxy/protocol/endpoints'
import { count } from '../../amounts.ts'
import { money } from '../../words.ts'

export type Used = Answer<'Usage'>['total']

interface Measure {
  readonly name: string
  readonly of: (used: Used) => number
  readonly words: (amount: number) => string
}

/** What can be shown of what was used. */
export const MEASURES = {
  cost: { name: 'Cost', of: ({ cost_usd: usd }) => usd ?? 0, words: money },
  tokens: { name: 'Tokens', of: ({ usage }) => Object.values(usage).reduce((sum, one) => sum + one, 0), words: count },
  runs: { name: 'Runs', of: ({ runs }) => runs, words: String },
} as const satisfies Record<string, Measure>

export type MeasureName = keyof typeof MEASURES
