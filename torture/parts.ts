import type { Part } from './lib/part.ts'
import { fuzz } from './parts/fuzz.ts'

/** All ways to try to break the promise, in the order in which they are tried. */
export const PARTS: readonly Part[] = [fuzz]
