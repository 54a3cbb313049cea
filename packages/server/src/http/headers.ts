/** The headers of ours that say something about a conversation or a run. */
export const LAST_EVENT_ID = 'x-proxy-last-event-id'
export const RESET = 'x-proxy-reset'
export const RUN_ID = 'x-proxy-run-id'
export const OUTCOME = 'x-proxy-outcome'
