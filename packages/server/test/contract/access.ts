import { describe, expect, it } from 'vitest'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import type { NewAuditEntry, NewToken, TokenId } from '../../src/core/ports/access.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { fresh, newRun } from './samples.ts'

/** Who may come in, who did what, and what somebody sees who may see only some folders. */
export function access(store: () => Store): void {
  const entry = (more: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
    at: 5,
    who: 'phone',
    agent: 'app/1',
    from: '10.0.0.1',
    action: 'send',
    ...more,
  })

  function token(more: Partial<NewToken> = {}): NewToken {
    const id = fresh().run as string as TokenId
    const facts = { scopes: ['read', 'run'], roots: ['/a', '/b'], createdAt: 3, expiresAt: 9 } as const
    return { id, name: `name-${id}`, digest: `digest-${id}`, ...facts, ...more }
  }

  /** All that was noted behind a number. */
  async function after(number: number) {
    return store().audit({ after: number, limit: 10_000 })
  }

  async function last(): Promise<number> {
    return (await after(0)).at(-1)?.number ?? 0
  }

  describe('tokens', () => {
    it('is found by its digest and its id with all its facts, and its digest is never given back', async () => {
      const { digest, ...facts } = token()
      expect(await store().createToken({ ...facts, digest }, entry())).toBe(true)
      expect(await store().tokenOf(digest)).toEqual(facts)
      expect(await store().token(facts.id)).toEqual(facts)
      expect(await store().tokens()).toContainEqual(facts)
      const { digest: other, ...everywhere } = token({ roots: undefined, expiresAt: undefined })
      await store().createToken({ ...everywhere, digest: other }, entry())
      expect(await store().tokenOf(other)).toEqual(everywhere)
    })

    it('are listed in the order in which they were made, those of one moment by their id', async () => {
      const late = token({ createdAt: 90 })
      const [a, b, c, d] = [80, 80, 80, 80].map((createdAt) => token({ createdAt })) as [
        NewToken,
        NewToken,
        NewToken,
        NewToken,
      ]
      for (const each of [late, d, a, c, b]) await store().createToken(each, entry())
      const ids = [a, b, c, d, late].map(({ id }) => id)
      const listed = (await store().tokens()).map(({ id }) => id)
      expect(listed.filter((id) => ids.includes(id))).toEqual(ids)
    })

    it('a name is given once; who wants it again gets nothing, and nothing is noted', async () => {
      const first = token()
      const second = token({ name: first.name })
      await store().createToken(first, entry())
      const before = await last()
      expect(await store().createToken(second, entry())).toBe(false)
      expect(await store().tokenOf(second.digest)).toBeUndefined()
      expect(await after(before)).toEqual([])
    })

    it('a revoked token is not there any more, its name is free, and both are noted', async () => {
      const { digest, ...facts } = token()
      const before = await last()
      await store().createToken({ ...facts, digest }, entry({ action: 'createToken' }))
      expect(await store().revokeToken(facts.id, entry({ action: 'revokeToken' }))).toBe(true)
      expect(await store().revokeToken(facts.id, entry({ action: 'revokeToken' }))).toBe(false)
      expect(await store().tokenOf(digest)).toBeUndefined()
      expect(await store().token(facts.id)).toBeUndefined()
      expect((await after(before)).map(({ action }) => action)).toEqual(['createToken', 'revokeToken'])
      expect(await store().createToken(token({ name: facts.name }), entry())).toBe(true)
    })
  })

  describe('the audit trail', () => {
    it('gives back what was noted, in order, by number and by time', async () => {
      const before = await last()
      const { id, folder, run } = fresh()
      const whole = entry({ at: 700, conversation: id, run, subject: 'x', folder, detail: 'begun' })
      await store().addAudit(whole)
      await store().addAudit(entry({ at: 800, agent: undefined, from: undefined }))
      const [one, two] = await after(before)
      expect(one).toEqual({ number: expect.any(Number), ...whole })
      expect(two).toMatchObject({ at: 800, who: 'phone' })
      expect(await store().audit({ after: before, since: 701, limit: 9 })).toEqual([two])
      expect(await store().audit({ after: one?.number, limit: 9 })).toEqual([two])
      expect(await store().audit({ after: before, limit: 1 })).toEqual([one])
    })

    it('shows within folders only what was done there and below, and nothing that was done nowhere', async () => {
      const before = await last()
      const at = (folder?: string) => store().addAudit(entry({ folder }))
      for (const folder of ['/r/in', '/r/in/deep', '/r/in-not', '/r', '/R/in', undefined, '/other']) await at(folder)
      const folders = async (...within: string[]) =>
        (await store().audit({ after: before, within, limit: 99 })).map(({ folder }) => folder)
      expect(await folders('/r/in')).toEqual(['/r/in', '/r/in/deep'])
      expect(await folders('/r/in', '/other')).toEqual(['/r/in', '/r/in/deep', '/other'])
      expect(await folders('/')).toHaveLength(6)
      expect(await folders()).toEqual([])
    })

    it('forgets by age, a few at a time, and gives no number twice', async () => {
      const before = await last()
      await Promise.all(Array.from({ length: 700 }, () => store().addAudit(entry({ at: -10 }))))
      await store().addAudit(entry({ at: 1 }))
      const newest = await last()
      let forgotten = 0
      for (let some = 1; some > 0; forgotten += some) some = await store().forgetAudit(0)
      expect(forgotten).toBe(700)
      expect((await after(before)).map(({ number }) => number)).toEqual([newest])
      for (let some = 1; some > 0;) some = await store().forgetAudit(1e12)
      await store().addAudit(entry())
      expect(await last()).toBe(newest + 1)
    })
  })

  describe('some folders', () => {
    it('lists have only what lies in them and below', async () => {
      const { folder } = fresh()
      const [inside, below, beside] = [folder, `${folder}/deep`, `${folder}-not`].map((path) => {
        const { id } = fresh()
        return { id, folder: path as typeof folder, cwd: path, title: undefined, at: 9 }
      }) as [Conv, Conv, Conv]
      for (const each of [inside, below, beside]) await store().createConversation(each)
      const found = await store().conversations({ within: [folder], limit: 99 })
      expect(new Set(found.map(({ id }) => id))).toEqual(new Set([inside.id, below.id]))
      expect(await store().conversations({ within: [], limit: 99 })).toEqual([])
      expect((await store().conversations({ within: ['/'], limit: 1 })).length).toBe(1)
    })

    it('questions, too', async () => {
      const asked = async (place: string) => {
        const { id, run } = fresh()
        const begun = await store().beginRun(newRun({ id: run, name: id, folder: place as Conv['folder'] }))
        expect(begun).toMatchObject({ status: 'begun' })
        const question = fresh().run as string as Parameters<Store['approval']>[0]
        const request = { kind: 'tool', tool: 'Bash', input: {}, toolUseId: 'x', suggestions: [] } as const
        const facts = { request: { ...request, blockedPath: undefined, rules: [] }, askedAt: 1, deadline: undefined }
        await store().append(run, ['{}'], 1, [{ id: question, ...facts }])
        return { question, conversation: id, run }
      }
      const { folder } = fresh()
      const [one, other] = [await asked(`${folder}/one`), await asked(`${folder}/other`)]
      const ids = async (filter: object) =>
        (await store().approvals({ ...filter, limit: 99 })).map((approval) => approval.id)
      for (const isPending of [true, false]) {
        expect(await ids({ isPending, within: [folder] })).toEqual([one.question, other.question])
        expect(await ids({ isPending, within: [`${folder}/one`] })).toEqual([one.question])
      }
      expect(await ids({ within: [folder], conversation: other.conversation })).toEqual([other.question])
      expect(await ids({ within: [`${folder}/one`], conversation: other.conversation })).toEqual([])
      expect(await ids({ within: [folder], isCarried: true })).toEqual([])
      await store().carryApprovals(one.run, [])
      expect(await ids({ within: [folder], isCarried: true })).toEqual([one.question])
    })

    it('an attachment names the folders in which it was used', async () => {
      const upload = { name: 'a', mediaType: 'text/plain', bytes: 1, digest: 'd' } as const
      const attachment = { id: fresh().run as string as AttachmentId, ...upload }
      await store().addUpload(attachment, 1000, 'me')
      expect(await store().foldersOf(attachment.id)).toEqual([])
      expect(await store().foldersOf('f'.repeat(32) as AttachmentId)).toEqual([])
      const [here, there] = [fresh(), fresh()]
      for (const { id, folder } of [here, there])
        await store().beginRun(newRun({ name: id, folder, attachments: [attachment] }))
      expect(new Set(await store().foldersOf(attachment.id))).toEqual(new Set([here.folder, there.folder]))
    })
  })
}

type Conv = Parameters<Store['createConversation']>[0]
