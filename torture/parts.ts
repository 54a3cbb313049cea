import type { Part } from './lib/part.ts'
import { crash } from './parts/crash.ts'
import { fuzz } from './parts/fuzz.ts'
import { power } from './parts/power.ts'

/** All ways to try to break the promise, in the order in which they are tried. */
export const PARTS: readonly Part[] = [crash, power, fuzz]
