type Fields = Readonly<Record<string, unknown>>

const NOTES: Record<string, (event: Fields) => string> = {
  init: ({ model, permissionMode }) => `Model ${word(model)}, permission mode ${word(permissionMode)}.`,
  run_continued: ({ content }) =>
    `The service told the agent what was decided meanwhile.${typeof content === 'string' ? `\n${content}` : ''}`,
  run_begun_by_agent: () => 'Something in its background woke the agent.',
  turn_result: ({ result }) =>
    `A turn is over; work in the background goes on.${typeof result === 'string' && result !== '' ? `\n${result}` : ''}`,
  folder_settings_not_loaded: ({ files }) => `The folder's own settings were not loaded: ${list(files)}.`,
  session_lost: () => 'The agent no longer has the session; it goes on in a fresh one.',
  prompt_queued: (event) => `A prompt waits: ${word(event['text'] || noteOfAttachments(event))}`,
  prompt_edited: ({ text }) => `A prompt that waits was changed${typeof text === 'string' ? `: ${text}` : '.'}`,
  prompt_cancelled: () => 'A prompt that waited was taken back.',
  prompt_steered: () => 'The turn has taken a prompt on its way.',
  compact_boundary: () => 'The agent has shortened what it remembers.',
  task_started: ({ description }) => `In the background began: ${word(description)}.`,
  task_notification: ({ status, summary }) => `In the background ${word(status)}: ${word(summary)}`,
}

/** What an event that is neither a message nor a question tells a reader; undefined when it tells nothing. */
export function noteOf(event: Fields): string | undefined {
  if (event['type'] === 'proxy_note') return `Found in the place of an event (${word(event['subtype'])}).`
  if (event['type'] !== 'system') return undefined
  const subtype = String(event['subtype'])
  return Object.hasOwn(NOTES, subtype) ? NOTES[subtype]?.(event) : undefined
}

/** What came with a prompt, as a sentence; undefined when nothing did. */
export function noteOfAttachments({ attachments }: Fields): string | undefined {
  if (!Array.isArray(attachments) || attachments.length === 0) return undefined
  const names = attachments.map(
    (each: Fields | null) => `${word(each?.['name'] ?? 'no name')} (${word(each?.['media_type'])})`,
  )
  return `Attached: ${names.join(', ')}.`
}

function word(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'unknown'
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string').join(', ') : 'unknown'
}
