/**
 * What the service answers, a page for each noun; errors are `Problem`. The table of endpoints calls answers by these names,
 * and no page exports anything else; what several share is in `fields.ts`. Clients pass over fields they do not know:
 * later versions add some.
 */
export * from './answers/prompts.ts'
export * from './answers/approvals.ts'
export * from './answers/conversations.ts'
export * from './answers/events.ts'
export * from './answers/folders.ts'
export * from './answers/service.ts'
