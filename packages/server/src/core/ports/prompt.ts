import type { ConversationId, Folder, RunId } from '@claude-proxy/protocol/ids'
import type { PromptState } from '../runs/prompt-machine.ts'
import type { Attachment } from './attachment.ts'
import type { Conversation } from './conversation.ts'
import type { Run, RunOptions, NewRun, Repeated } from './run.ts'

export interface Prompt {
  /** Also the id of the run that it becomes. */
  readonly id: RunId
  readonly conversation: ConversationId
  readonly folder: Folder
  readonly state: PromptState
  readonly text: string
  /** What came with it. */
  readonly attachments?: readonly Attachment[] | undefined
  readonly options: RunOptions
  /** The number of the event that told of it first. */
  readonly first: number
  /** The number of the event that told of its cancellation. */
  readonly last: number | undefined
  /** The run it was steered into last. */
  readonly into: RunId | undefined
  readonly at: number
}

/** A prompt to keep. `into`: the run that it is to be steered into; otherwise it is queued, `isFirst` before all others. */
export interface NewPrompt extends Omit<NewRun, 'begunBy'> {
  readonly into?: RunId | undefined
  readonly isFirst?: boolean
}

/** `closed`: the run cannot be steered. `full`: too many wait already. Either way nothing was stored. */
export type Added =
  | { status: 'added'; prompt: Prompt; conversation: Conversation }
  | { status: 'closed' }
  | { status: 'full' }
  | { status: 'elsewhere'; folder: Folder }
  | Repeated

/** Something that happens to a prompt, with the event that tells of it. `place`: from 1, in its conversation's queue. */
export type PromptChange = { readonly id: RunId; readonly line: string; readonly at: number } & (
  | { readonly input: 'edit'; readonly text?: string | undefined; readonly place?: number | undefined }
  | { readonly input: 'steer'; readonly into: RunId }
  | { readonly input: 'cancel' | 'drop' | 'taken' | 'missed' }
)

/** `refused`: its state does not allow it, nothing was stored. `number`: of the event. */
export type Changed =
  | { status: 'changed'; prompt: Prompt; number: number }
  | { status: 'refused'; prompt: Prompt }
  | { status: 'unknown' }

/** `changed`: it is not what was to begin any more. */
export type PromptBegun =
  | { status: 'begun'; run: Run; conversation: Conversation }
  | { status: 'busy'; run: Run }
  | { status: 'changed' }
