import { describe } from 'vitest'
import type { AgentName } from '../../support/service.ts'
import type { Words } from '../words.ts'
import { attachmentContract } from './attachments.ts'
import { busyContract } from './busy.ts'
import { forkContract } from './forks.ts'
import { identityContract } from './identity.ts'
import { interruptContract } from './interrupts.ts'
import { permissionContract } from './permissions.ts'
import { replayContract } from './replay.ts'
import { rewindContract } from './rewinds.ts'
import { runContract } from './runs.ts'
import { sessionContract } from './sessions.ts'

/** The wire contract, for any agent: called once per implementation. */
export function contractSuite(agent: AgentName, words: Words): void {
  describe(`the contract, with the agent ${agent}`, () => {
    runContract(agent, words)
    replayContract(agent, words)
    identityContract(agent, words)
    busyContract(agent, words)
    interruptContract(agent, words)
    permissionContract(agent, words)
    sessionContract(agent, words)
    forkContract(agent, words)
    rewindContract(agent, words)
    attachmentContract(agent, words)
  })
}
