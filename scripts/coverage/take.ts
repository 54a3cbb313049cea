import { takeCoverage } from 'node:v8'
import { afterAll } from 'vitest'

// Vitest ends its workers before they could write down by themselves what they have run.
afterAll(() => takeCoverage())
