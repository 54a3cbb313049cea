import { accessOperations } from './access.ts'
import { writeAccounts } from './accounts.ts'
import { approvalOperations, readApprovals, writeApprovals } from './approvals.ts'
import { attachmentOperations, writeAttachments } from './attachments.ts'
import { beginOperations, placing, writeRuns } from './begin.ts'
import { conversationOperations, readConversations, writeConversations } from './conversations.ts'
import { deleteOperations } from './delete.ts'
import { stagingOperations, readSessions } from './staging.ts'
import { writeEvents } from './events.ts'
import { folderOperations } from './folders.ts'
import { healthOperations } from './health.ts'
import { importOperations } from './import.ts'
import { noteOperations } from './notes.ts'
import type { Database } from './open.ts'
import { processOperations } from './processes.ts'
import { promptOperations, readPrompts } from './prompts.ts'
import { readRequests, requestOperations, writeRequests } from './requests.ts'
import { readRuns, runOperations } from './runs.ts'
import { settingsOperations } from './settings.ts'
import { writeUsage } from './usage.ts'

/** Everything that can be asked of the writer, by name. Each takes one input that survives a structured clone. */
export function writerOperations(db: Database) {
  const reads = readConversations(db)
  const writes = writeConversations(db, reads)
  const readingRuns = readRuns(db)
  const events = writeEvents(db)
  const attachments = writeAttachments(db)
  const runs = { ...readingRuns, ...writeRuns(db, reads, readingRuns, events, attachments) }
  const prompts = readPrompts(db)
  const requests = { ...readRequests(db), ...writeRequests(db) }
  const place = placing(reads, writes)
  const conversations = conversationOperations(db, reads, writes)
  const operations = {
    ...conversations,
    ...folderOperations(reads, writes, runs),
    ...approvalOperations(db, readApprovals(db), events),
    ...beginOperations(reads, place, runs, prompts, requests),
    ...promptOperations(db, reads, place, runs, prompts, requests, events, attachments),
    ...runOperations(db, runs, events, writeApprovals(db), writeAccounts(db), writeUsage(db)),
    ...requestOperations(db, requests, requests),
    ...settingsOperations(db, reads, events),
    ...deleteOperations(db, reads, runs),
    ...attachmentOperations(db, attachments),
    ...importOperations(db, reads, writes, events),
    ...stagingOperations(db, reads, readSessions(db), events, conversations.changeConversation),
    ...noteOperations(reads, events),
    ...processOperations(db),
    ...accessOperations(db),
    ...healthOperations,
  }
  return { operations, events }
}

export type Operations = ReturnType<typeof writerOperations>['operations']
export type OperationName = keyof Operations
export type Input<N extends OperationName> = Parameters<Operations[N]>[0]
export type Output<N extends OperationName> = ReturnType<Operations[N]>

/** One operation as it travels to the writer. */
export type Operation = { [N in OperationName]: { name: N; input: Input<N> } }[OperationName]
