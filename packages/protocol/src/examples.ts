import type { EndpointName } from './endpoints.ts'
import { approvals } from './examples/approvals.ts'
import { conversations } from './examples/conversations.ts'
import { events } from './examples/events.ts'
import { folders } from './examples/folders.ts'
import { prompts } from './examples/prompts.ts'
import { service } from './examples/service.ts'

/** What a request to a door looks like, and what comes back: for the documents. Tests hold them to the schemas. */
export interface Example {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
  readonly answer?: object | string
}

/** By the names of doors. */
export type Examples = Readonly<Partial<Record<EndpointName, Example>>>

export const EXAMPLES: Examples = {
  ...prompts,
  ...approvals,
  ...conversations,
  ...events,
  ...folders,
  ...service,
}
