/** How much is under way in the store. */
export interface Load {
  /** Runs that no agent has yet, and those that one has. */
  readonly runs: { readonly accepted: number; readonly running: number }
  /** Prompts that wait. */
  readonly queued: number
  /** Questions that wait for a person, and since when the first does. */
  readonly questions: number
  readonly oldestQuestionAt: number | undefined
}
