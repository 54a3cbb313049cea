/**
 * What becomes of a prompt that came while its folder was busy.
 *
 *   queued     waits for its turn
 *   steering   was given to a turn that is under way, which has not taken it yet
 *   steered    the turn has taken it: the turn's run answers it
 *   begun      has become a run of its own
 *   cancelled  somebody took it back
 */
export type PromptState = 'queued' | 'steering' | 'steered' | 'begun' | 'cancelled'

/**
 * What can happen to it. `cancel` takes one prompt back, `drop` empties the queue. `taken` and `missed` are the agent's
 * answers to `steer`: a turn that ends without having taken the prompt has missed it.
 */
export type PromptInput = 'edit' | 'cancel' | 'drop' | 'steer' | 'taken' | 'missed' | 'begin'

/** What each input makes of each state. Both stores keep to it. */
export const PROMPT_TABLE: Record<PromptState, Record<PromptInput, PromptState | 'refused'>> = {
  queued: {
    edit: 'queued',
    cancel: 'cancelled',
    drop: 'cancelled',
    steer: 'steering',
    taken: 'refused',
    missed: 'refused',
    begin: 'begun',
  },
  steering: {
    edit: 'refused',
    // The agent may be about to read it: nobody could say whether it was in time.
    cancel: 'refused',
    drop: 'cancelled',
    steer: 'refused',
    taken: 'steered',
    missed: 'queued',
    begin: 'refused',
  },
  steered: nothing(),
  begun: nothing(),
  cancelled: nothing(),
}

function nothing(): Record<PromptInput, 'refused'> {
  return {
    edit: 'refused',
    cancel: 'refused',
    drop: 'refused',
    steer: 'refused',
    taken: 'refused',
    missed: 'refused',
    begin: 'refused',
  }
}

/** How many prompts may wait in a folder; more are a mistake of somebody's. */
export const MOST_QUEUED = 1000
