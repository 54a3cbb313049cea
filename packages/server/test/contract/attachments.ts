import { describe, expect, it } from 'vitest'
import type { AttachmentId } from '@claude-proxy/protocol/ids'
import type { Attachment, Unused } from '../../src/core/ports/attachment.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { added, endOf, fresh, newPrompt, newRun, started } from './samples.ts'

/** What comes with prompts, and how long it is known. */
export function attachments(store: () => Store): void {
  const unknown = { code: 'upload_unknown' }

  /** Forgets what is due before `before`, and says which of these were among it. */
  async function forgotten(before: number, ...ids: AttachmentId[]): Promise<AttachmentId[]> {
    const all: AttachmentId[] = []
    for (;;) {
      const some = await store().removeUnusedAttachments(before)
      if (some.length === 0) return ids.filter((id) => all.includes(id))
      all.push(...some)
    }
  }

  describe('attachments', () => {
    it('an upload is known with all its facts, and counts as unused until a prompt brings it', async () => {
      const before = await store().unusedUploads('me')
      const upload = sample({ name: 'größe.png', width: 3, height: 4 })
      await store().addUpload(upload, 1000, 'me')
      expect(await store().attachment(upload.id)).toEqual(upload)
      const more = ({ count, bytes }: Unused) => ({ count: count + 1, bytes: bytes + upload.bytes })
      const now = { all: more(before.all), own: more(before.own) }
      expect(await store().unusedUploads('me')).toEqual(now)
      expect(await store().unusedUploads('nobody')).toEqual({ all: now.all, own: { count: 0, bytes: 0 } })
      const { id, folder } = fresh()
      const begun = await store().beginRun(newRun({ name: id, folder, attachments: [upload] }))
      expect(begun).toMatchObject({ status: 'begun', run: { attachments: [upload] } })
      expect(await store().unusedUploads('me')).toEqual(before)
    })

    it('what came inside a request is known from its prompt on, without having been an upload', async () => {
      const before = await store().unusedUploads('me')
      const inline = sample({})
      const { id, folder, run } = fresh()
      expect(await store().attachment(inline.id)).toBeUndefined()
      await store().beginRun(newRun({ id: run, name: id, folder, attachments: [{ ...inline, isNew: true }] }))
      expect(await store().attachment(inline.id)).toEqual(inline)
      expect((await store().run(run))?.attachments).toEqual([inline])
      expect((await store().openRun(folder))?.attachments).toEqual([inline])
      expect(await store().unusedUploads('me')).toEqual(before)
    })

    it('a run without any has none', async () => {
      const { run } = await started(store())
      expect((await store().run(run.id))?.attachments).toBeUndefined()
    })

    it('a prompt that waits has them in their order, also when its words are changed, and its run has them then', async () => {
      const { id, folder, run } = await started(store())
      const [first, second] = [sample({}), sample({})]
      await store().addUpload(second, 1000, 'me')
      const prompt = await added(
        store(),
        newPrompt({ name: id, folder, attachments: [second, { ...first, isNew: true }] }),
      )
      expect(prompt.attachments).toEqual([second, first])
      await store().changePrompt({ id: prompt.id, input: 'edit', text: 'other words', line: '{}', at: 2 })
      expect((await store().queuedPrompts(folder))[0]?.attachments).toEqual([second, first])
      await store().endRun(run.id, ['{}'], 3)
      const begun = await store().beginPrompt({ id: prompt.id, text: 'other words', line: '{}', at: 4 })
      expect(begun).toMatchObject({ status: 'begun', run: { attachments: [second, first] } })
    })

    it('a prompt with an upload that nobody knows is refused, and changes nothing', async () => {
      const { id, folder } = fresh()
      const [known, missing] = [sample({}), sample({})]
      await store().addUpload(known, 1000, 'me')
      const before = await store().unusedUploads('me')
      const run = newRun({ name: id, folder, attachments: [known, missing] })
      await expect(store().beginRun(run)).rejects.toMatchObject({ ...unknown, details: { upload_id: missing.id } })
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().run(run.id)).toBeUndefined()
      expect(await store().unusedUploads('me')).toEqual(before)
      const busy = await started(store())
      const prompt = newPrompt({ name: busy.id, folder: busy.folder, attachments: [missing] })
      await expect(store().addPrompt(prompt)).rejects.toMatchObject(unknown)
      expect(await store().queuedPrompts(busy.folder)).toEqual([])
      expect(await store().conversation(busy.id)).toMatchObject({ head: 1 })
    })

    it('a prompt that is refused for another reason leaves nothing of what came with it', async () => {
      const { id, folder } = await started(store())
      const inline = sample({})
      const run = newRun({ name: id, folder, attachments: [{ ...inline, isNew: true }] })
      expect(await store().beginRun(run)).toMatchObject({ status: 'busy' })
      expect(await store().attachment(inline.id)).toBeUndefined()
    })

    it('an upload that no prompt has used is forgotten when its time is over, one that was used is not', async () => {
      const [used, old, young] = [sample({}), sample({}), sample({})]
      await store().addUpload(used, 1000, 'me')
      await store().addUpload(old, 1000, 'me')
      await store().addUpload(young, 3000, 'me')
      const { id, folder } = fresh()
      await endOf(store(), newRun({ name: id, folder, attachments: [used] }))
      expect(await forgotten(2000, used.id, old.id, young.id)).toEqual([old.id])
      expect(await store().attachment(old.id)).toBeUndefined()
      for (const each of [used, young]) expect(await store().attachment(each.id)).toEqual(each)
    })

    it('with the last conversation that refers to it, an attachment is gone, and its file is named once', async () => {
      const [shared, own] = [sample({}), sample({})]
      await store().addUpload(shared, 1000, 'me')
      const [one, other] = [fresh(), fresh()]
      await endOf(store(), newRun({ ...names(one), attachments: [shared, { ...own, isNew: true }] }))
      await endOf(store(), newRun({ ...names(other), attachments: [shared, shared] }))
      await store().deleteConversation(one.id)
      expect(await store().attachment(own.id)).toBeUndefined()
      expect(await store().attachment(shared.id)).toEqual(shared)
      expect(await forgotten(1, own.id, shared.id)).toEqual([own.id])
      await store().deleteConversation(other.id)
      expect(await store().attachment(shared.id)).toBeUndefined()
      expect(await forgotten(1, own.id, shared.id)).toEqual([shared.id])
      const late = newRun({ ...names(fresh()), attachments: [shared] })
      await expect(store().beginRun(late)).rejects.toMatchObject(unknown)
    })

    it('a fork refers to what its history came with, also when the original is gone', async () => {
      const [picture, source, fork] = [sample({}), fresh(), fresh()]
      await endOf(store(), newRun({ ...names(source), attachments: [{ ...picture, isNew: true }] }))
      const staged = await store().beginStaged(1)
      await store().copyToStaged(staged, source.id, 2)
      const { id, folder } = fork
      const rest = { title: undefined, sessionId: undefined, ownsSession: false, line: '{}', at: 2 }
      await store().publishStaged({ staged, id, folder, cwd: folder, attachmentsOf: source.id, ...rest })
      await store().deleteConversation(source.id)
      expect(await store().attachment(picture.id)).toEqual(picture)
      await store().deleteConversation(id)
      expect(await store().attachment(picture.id)).toBeUndefined()
    })
  })
}

function names({ id, folder }: ReturnType<typeof fresh>) {
  return { name: id, folder }
}

let count = 0

/** An attachment that no other test has. */
function sample(facts: Partial<Attachment>): Attachment {
  const id = (++count).toString(16).padStart(32, 'a') as AttachmentId
  return { id, name: `name-${count}`, mediaType: 'image/png', bytes: 100 + count, digest: `digest-${count}`, ...facts }
}
