/**
 * What requests hold: bodies, queries, paths and headers, a page for each noun. The table of endpoints calls them by these
 * names, and no page exports anything else; what several share is in `fields.ts` and `run-fields.ts`.
 */
export * from './requests/prompts.ts'
export * from './requests/approvals.ts'
export * from './requests/conversations.ts'
export * from './requests/events.ts'
export * from './requests/folders.ts'
export * from './requests/service.ts'
export type { RunFields } from './requests/run-fields.ts'
