import { choicesIn } from './pages.ts'

/** What a shell can offer for a value or a word. */
export type Offer =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'ids' | 'approvals' | 'folders' | 'files' | 'hosts' | 'nothing' }

const BY_NAME: Readonly<Record<string, Exclude<Offer['kind'], 'choices'>>> = {
  ID: 'ids',
  APPROVAL: 'approvals',
  DIR: 'folders',
  FILE: 'files',
  SOURCE: 'files',
  PATH: 'files',
  'USER@SERVER': 'hosts',
}

/** By how the manual calls it: `DIR`, `[ID]`, `bash|zsh|fish`. */
export function offerFor(name: string, choices: readonly string[] = choicesIn(name)): Offer {
  if (choices.length > 0) return { kind: 'choices', choices }
  return { kind: BY_NAME[name.replaceAll(/[[\]]/g, '')] ?? 'nothing' }
}
