import { type AgentEvent, isEvent } from '@claude-proxy/client'

/** The few things of the service and the agent that a person wants to know of; of the others nothing is said. */
export function wordsOf(event: AgentEvent): string | undefined {
  if (event.type === 'proxy_note')
    return typeof event['content'] === 'string' ? event['content'] : 'Something is missing here.'
  if (!isEvent(event, 'system')) return undefined
  const { subtype, changes } = event
  if (subtype !== 'settings_changed' || !Array.isArray(changes)) return NOTES[subtype]
  return changes.map(({ setting, to }) => `${setting.replace('_', ' ')}: ${to ?? 'default'}`).join(', ')
}

const NOTES: Readonly<Record<string, string>> = {
  run_continued: 'Goes on after a restart.',
  run_begun_by_agent: 'Something in the background woke the agent.',
  session_lost: 'The agent has lost its session and goes on in a fresh one.',
  session_adopted: 'Taken over from a terminal.',
  forked: 'Forked from another conversation.',
  files_rewound: 'Files were put back.',
  folder_settings_not_loaded: 'The settings in this folder are not loaded: it is not trusted.',
  compact_boundary: 'The conversation was compacted.',
}
