/** A day at somebody's desk: what is asked where, and what the scripted model makes of it. */
export interface Scene {
  readonly folder: string
  readonly title: string
  readonly prompt: string
  readonly script: string
  /** Where it is left: at its end, or with somebody to answer. */
  readonly until: 'done' | 'asked' | 'working'
}

/** The newest last. */
export const SCENES: readonly Scene[] = [
  {
    folder: 'notes',
    title: 'Meeting notes',
    prompt: 'Summarise last week’s meeting notes, decisions first',
    script: '@usage 18200 2400\n@end Three decisions, five open questions. They are in `2026-week-47.md`.',
    until: 'done',
  },
  {
    folder: 'website',
    title: 'Slow home page on phones',
    prompt: 'Why is the home page slow on phones? Measure before you change anything.',
    script: `@usage 41000 5200
@bash du -sh public/* | sort -h | tail -3
@end ## What costs the time\\n\\n| what | on a phone | share |\\n|---|---|---|\\n| hero picture, 2.4 MB | 3.1 s | 62 % |\\n| three web fonts | 0.9 s | 18 % |\\n| the rest | 1.0 s | 20 % |\\n\\nThe picture is sent in its **full size** to every screen. With \`srcset\` and AVIF it is 140 KB.`,
    until: 'done',
  },
  {
    folder: 'infra',
    title: 'Restore rehearsal',
    prompt: 'Rehearse the restore of last night’s backup',
    script: '@usage 26000 3100\n@say The backup of 03:00 is there: 4.2 GB, its checksum is right.\n@bash ls\n@hang',
    until: 'working',
  },
  {
    folder: 'shop',
    title: 'Checkout test on Windows',
    prompt: 'The checkout test fails on Windows only. Find out why.',
    script: `@usage 52000 6100
@bash git log --oneline -3
@end The test compares paths as text, and on Windows they have backslashes. \`path.posix\` in **one** place is enough.`,
    until: 'done',
  },
  {
    folder: 'shop',
    title: 'Discount codes in the cart',
    prompt: 'Let a discount code take something off the cart. Codes are percentages; no cart is ever below zero.',
    script: `@usage 38000 4300
@tool Read {"file_path":"CWD/src/cart.ts"}
@say The total is computed in one place, so the discount belongs there. I round **once**, at the end, so that no cent is lost:\\n\\n- a code is a percentage from 0 to 100\\n- an unknown code changes nothing, and says so
@tool Edit {"file_path":"CWD/src/cart.ts","old_string":"export function total(cart: Cart): Cents {\\n  return sum(cart.lines)\\n}","new_string":"export function total(cart: Cart, code?: Code): Cents {\\n  const whole = sum(cart.lines)\\n  const percent = code === undefined ? 0 : percentOf(code)\\n  // Rounded once: the parts would not add up to the whole.\\n  return Math.max(0, Math.round((whole * (100 - percent)) / 100))\\n}"}
@end The cart knows discounts now. Two tests are new.`,
    until: 'asked',
  },
]

/** What lies in the folders before the agents come. */
export const FILES: Readonly<Record<string, string>> = {
  'shop/src/cart.ts': `import { percentOf, type Code } from './codes.ts'

export interface Cart {
  readonly lines: readonly Line[]
}

export function total(cart: Cart): Cents {
  return sum(cart.lines)
}
`,
}
