import type { Entry } from './turns.ts'

/** What a transcript is of. */
export interface About {
  readonly conversationId: string
  readonly title: string | undefined
  readonly folder: string
  readonly createdAt: string
}

/** Writes a transcript, piece by piece: the head, each entry in order, the foot. One is for one transcript. */
export interface Renderer {
  head(about: About): string
  entry(entry: Entry): string
  /** `last` is the number of the last event that was read, or where reading would go on. */
  foot(last: number): string
}
