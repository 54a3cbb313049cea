import { keysShown } from './keys.ts'

/** Where else one can go from the list. */
export function Places() {
  return (
    <div class="places">
      <a class="button quiet" href="#/usage" aria-keyshortcuts="u">
        Usage
      </a>
      <a class="button quiet" href="#/archived">
        Archived
      </a>
      <button type="button" class="quiet" aria-keyshortcuts="?" onClick={() => (keysShown.value = true)}>
        Keys
      </button>
    </div>
  )
}
