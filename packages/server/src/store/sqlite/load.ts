import type { Load } from '../../core/ports/load.ts'
import { certain } from '../../core/certain.ts'
import type { Database } from './open.ts'

/** How much is under way. Each count is over an index of what is open. */
export function readLoad(db: Database): () => Load {
  const runs = db.prepare<{ accepted: number; running: number }>(
    `SELECT count(*) FILTER (WHERE state = 'accepted') AS accepted, count(*) FILTER (WHERE state = 'running') AS running
     FROM run WHERE state <> 'ended'`,
  )
  const prompts = db.prepare<{ queued: number }>(`SELECT count(*) AS queued FROM prompt WHERE state = 'queued'`)
  const questions = db.prepare<{ questions: number; oldest: number | null }>(
    `SELECT count(*) AS questions, min(asked_at) AS oldest FROM approval WHERE state = 'pending'`,
  )
  return () => {
    const { accepted, running } = certain(runs.get(), 'a count')
    const { questions: waiting, oldest } = certain(questions.get(), 'a count')
    return {
      runs: { accepted, running },
      queued: certain(prompts.get(), 'a count').queued,
      questions: waiting,
      oldestQuestionAt: oldest ?? undefined,
    }
  }
}
