import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/ports/store.ts'
import { access } from './access.ts'
import { accounts } from './accounts.ts'
import { activation } from './activation.ts'
import { approvals } from './approvals.ts'
import { appending } from './appending.ts'
import { attachments } from './attachments.ts'
import { conversations } from './conversations.ts'
import { deletion } from './deletion.ts'
import { staging } from './staging.ts'
import { feed } from './feed.ts'
import { imports } from './imports.ts'
import { listing } from './listing.ts'
import { load } from './load.ts'
import { names } from './names.ts'
import { numbering } from './numbering.ts'
import { pages } from './pages.ts'
import { processes } from './processes.ts'
import { prompts } from './prompts.ts'
import { requests } from './requests.ts'
import { retention } from './retention.ts'
import { runs } from './runs.ts'
import { fresh } from './samples.ts'
import { settings } from './settings.ts'
import { usage } from './usage.ts'
import { walks } from './walks.ts'

/** A store to test, and how to throw it away. */
export interface StoreUnderTest {
  readonly store: Store
  discard(): Promise<void>
}

/** What every implementation of `Store` promises. Each test works in folders of its own. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store: ${name}`, () => {
    let subject: StoreUnderTest
    let store: Store
    beforeAll(async () => {
      subject = await open()
      store = subject.store
    })
    afterAll(() => subject.discard())

    conversations(() => store)
    names(() => store)
    listing(() => store)
    activation(() => store)
    runs(() => store)
    appending(() => store)
    approvals(() => store)
    attachments(() => store)
    pages(() => store)
    numbering(() => store)
    feed(() => store)
    imports(() => store)
    deletion(() => store)
    staging(() => store)
    processes(() => store)
    prompts(() => store)
    requests(() => store)
    accounts(() => store)
    settings(() => store)
    access(() => store)
    usage(() => store)
    retention(() => store)
    load(() => store)
    walks(() => store)

    it('refuses all work once it is closed, and may be closed twice', async () => {
      const other = await open()
      const { id, folder } = fresh()
      await Promise.all([other.store.close(), other.store.close()])
      await expect(other.store.conversation(id)).rejects.toMatchObject({ code: 'shutting_down' })
      await expect(other.store.activate({ id, folder, cwd: folder, at: 1 })).rejects.toMatchObject({
        code: 'shutting_down',
      })
      await other.discard()
    })
  })
}
