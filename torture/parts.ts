import type { Part } from './lib/part.ts'
import { crash } from './parts/crash.ts'
import { faults } from './parts/faults.ts'
import { fuzz } from './parts/fuzz.ts'
import { power } from './parts/power.ts'
import { readers } from './parts/readers.ts'
import { soak } from './parts/soak.ts'

/** All ways to try to break the promise, in the order in which they are tried. */
export const PARTS: readonly Part[] = [crash, power, readers, faults, fuzz, soak]
