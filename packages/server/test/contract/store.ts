import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConversationId, type Folder, type RunId } from '@claude-proxy/protocol/ids'
import type { NewRun, Page, Run, Store } from '../../src/core/ports.ts'

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
    activation(() => store)
    runs(() => store)
    appending(() => store)
    pages(() => store)
    numbering(() => store)
    imports(() => store)
    processes(() => store)

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

function conversations(store: () => Store): void {
  describe('conversations', () => {
    it('an unknown id, name or folder leads to nothing', async () => {
      const { id, folder } = fresh()
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().resolve(id)).toBeUndefined()
      expect(await store().canonical(folder)).toBeUndefined()
    })

    it('a folder without a conversation gets the one that is offered, a folder with one keeps it', async () => {
      const { id, folder } = fresh()
      const first = await store().ensureCanonical({ id, folder, cwd: '~/x', group: 'g', at: 5 })
      expect(first).toEqual({
        created: true,
        conversation: {
          id,
          folder,
          cwd: '~/x',
          group: 'g',
          sessionId: undefined,
          head: 0,
          createdAt: 5,
          updatedAt: 5,
        },
      })
      const second = await store().ensureCanonical({ id: fresh().id, folder, cwd: '~/y', at: 6 })
      expect(second).toEqual({ ...first, created: false })
      expect(await store().canonical(folder)).toEqual(first.conversation)
      expect(await store().conversation(id)).toEqual(first.conversation)
      expect(await store().resolve(id)).toEqual({ conversation: first.conversation, isOwn: true })
    })

    it('two that ask at once for the conversation of a new folder get the same one', async () => {
      const { folder } = fresh()
      const asked = [1, 2, 3].map(() => store().ensureCanonical({ id: fresh().id, folder, cwd: folder, at: 1 }))
      const answers = await Promise.all(asked)
      expect(new Set(answers.map(({ conversation }) => conversation.id)).size).toBe(1)
      expect(answers.filter(({ created }) => created)).toHaveLength(1)
    })

    it('an id that belongs to another folder cannot become the conversation of this one', async () => {
      const { id, folder } = await started(store())
      const other = fresh().folder
      const answer = store().ensureCanonical({ id, folder: other, cwd: other, at: 2 })
      await expect(answer).rejects.toMatchObject({ code: 'conversation_cwd_mismatch', details: { folder } })
      expect(await store().canonical(other)).toBeUndefined()
    })

    it('keeps the last group that was given', async () => {
      const { id, folder } = fresh()
      const group = async () => (await store().conversation(id))?.group
      await store().ensureCanonical({ id, folder, cwd: folder, at: 1 })
      expect(await group()).toBeUndefined()
      await store().ensureCanonical({ id, folder, cwd: folder, group: 'a', at: 2 })
      expect(await group()).toBe('a')
      await store().activate({ id, folder, cwd: folder, at: 3 })
      expect(await group()).toBe('a')
      await store().beginRun(newRun({ name: id, folder, group: 'b' }))
      expect(await group()).toBe('b')
    })

    it("remembers the agent's session", async () => {
      const { id, folder } = fresh()
      await store().ensureCanonical({ id, folder, cwd: folder, at: 1 })
      await store().setSession(id, 'session-1', 7)
      expect(await store().conversation(id)).toMatchObject({ sessionId: 'session-1', createdAt: 1, updatedAt: 7 })
      const unknown = store().setSession(fresh().id, 'session-2', 8)
      await expect(unknown).rejects.toMatchObject({ code: 'conversation_unknown' })
    })
  })
}

function names(store: () => Store): void {
  describe('names', () => {
    it('a run under an unknown name in a folder without a conversation makes it the conversation', async () => {
      const { id, folder } = fresh()
      const begun = await store().beginRun(newRun({ name: id, folder, cwd: '~/p', at: 9 }))
      expect(begun).toMatchObject({ status: 'begun', conversation: { id, folder, cwd: '~/p', head: 1, createdAt: 9 } })
      expect(await store().canonical(folder)).toMatchObject({ id, head: 1 })
    })

    it('a run under an unknown name in a folder with a conversation goes there, and the name leads there', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      const begun = await store().beginRun(newRun({ name: alias, folder }))
      expect(begun).toMatchObject({
        status: 'begun',
        conversation: { id, head: 3 },
        run: { conversation: id, first: 3 },
      })
      expect(await store().conversation(alias)).toBeUndefined()
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id, head: 3 }, isOwn: false })
    })

    it('a name that belongs to another folder is refused and changes nothing', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const before = await store().conversation(id)
      const other = fresh().folder
      for (const name of [id, alias]) {
        const refused = newRun({ name, folder: other, group: 'other' })
        expect(await store().beginRun(refused)).toEqual({ status: 'elsewhere', folder })
        expect(await store().activate({ id: name, folder: other, cwd: other, at: 3 })).toEqual({
          status: 'elsewhere',
          folder,
        })
        expect(await store().run(refused.id)).toBeUndefined()
      }
      expect(await store().canonical(other)).toBeUndefined()
      expect(await store().conversation(id)).toEqual(before)
    })

    it('all names of a folder follow its conversation, also those of the conversations before', async () => {
      const { id: a, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const [b, c] = [fresh().id, fresh().id]
      await store().activate({ id: b, folder, cwd: folder, at: 3 })
      await store().activate({ id: c, folder, cwd: folder, at: 4 })
      for (const name of [a, alias, b]) {
        expect(await store().resolve(name)).toMatchObject({ conversation: { id: c }, isOwn: false })
      }
      expect(await store().resolve(c)).toMatchObject({ conversation: { id: c }, isOwn: true })
      const begun = await store().beginRun(newRun({ name: a, folder }))
      expect(begun).toMatchObject({ status: 'begun', conversation: { id: c, head: 1 } })
      expect(await store().conversation(a)).toMatchObject({ id: a, head: 4 })
    })
  })
}

function activation(store: () => Store): void {
  describe('activation', () => {
    it("an unknown id becomes a new conversation and the folder's", async () => {
      const { id, folder } = fresh()
      const input = { id, folder, cwd: '~/q', group: 'g', at: 3 }
      expect(await store().activate(input)).toEqual({ status: 'activated', previous: undefined })
      expect(await store().canonical(folder)).toMatchObject({ id, cwd: '~/q', group: 'g', head: 0, createdAt: 3 })
    })

    it('an old conversation can become canonical again, with its events', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const next = fresh().id
      expect(await store().activate({ id: next, folder, cwd: folder, at: 3 })).toMatchObject({ previous: id })
      expect(await store().activate({ id, folder, cwd: folder, at: 4 })).toEqual({
        status: 'activated',
        previous: next,
      })
      expect(await store().canonical(folder)).toMatchObject({ id, head: 2 })
    })

    it('an alias that is activated becomes a conversation of its own', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      expect(await store().activate({ id: alias, folder, cwd: folder, at: 3 })).toEqual({
        status: 'activated',
        previous: id,
      })
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id: alias, head: 0 }, isOwn: true })
      await store().activate({ id, folder, cwd: folder, at: 4 })
      expect(await store().conversation(alias)).toMatchObject({ id: alias })
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id }, isOwn: false })
    })

    it('an open run keeps its folder from changing the conversation', async () => {
      const { id, folder, run } = await started(store())
      const other = fresh().id
      expect(await store().activate({ id: other, folder, cwd: folder, at: 3 })).toEqual({ status: 'busy', run })
      expect(await store().conversation(other)).toBeUndefined()
      expect(await store().resolve(other)).toBeUndefined()
      expect(await store().activate({ id, folder, cwd: folder, at: 4 })).toEqual({ status: 'activated', previous: id })
    })
  })
}

function runs(store: () => Store): void {
  describe('runs', () => {
    it('is read back as it was begun', async () => {
      const { id, folder } = fresh()
      const options = { allowedTools: ['Read'], mcpServers: { a: { command: 'x' } }, maxTurns: 3 }
      const asked = newRun({ name: id, folder, text: 'héllo\n"you" \u{1f600}', options, line: '{"n":1}' })
      const begun = await store().beginRun(asked)
      const run: Run = {
        id: asked.id,
        conversation: id,
        folder,
        state: 'accepted',
        begunBy: 'client',
        text: asked.text,
        options,
        first: 1,
        last: undefined,
      }
      expect(begun).toMatchObject({ status: 'begun', run })
      expect(await store().run(asked.id)).toEqual(run)
      expect(await store().openRun(folder)).toEqual(run)
      expect(await store().openRuns()).toContainEqual(run)
      expect(text(await store().page(id, 0, 1000))).toBe('{"n":1}\n')
    })

    it('a second run in a folder is refused and leaves no trace', async () => {
      const { id, folder, run } = await started(store())
      const second = newRun({ name: fresh().id, folder, group: 'second' })
      expect(await store().beginRun(second)).toEqual({ status: 'busy', run })
      expect(await store().run(second.id)).toBeUndefined()
      expect(await store().resolve(second.name)).toBeUndefined()
      expect(await store().conversation(id)).toMatchObject({ head: 1, group: undefined })
    })

    it('of many runs that begin at once in one folder, exactly one does', async () => {
      const { folder } = fresh()
      const asked = Array.from({ length: 8 }, () => newRun({ name: fresh().id, folder }))
      const answers = await Promise.all(asked.map((run) => store().beginRun(run)))
      const begun = answers.filter(({ status }) => status === 'begun')
      expect(begun).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 'busy')).toHaveLength(7)
      expect(await store().canonical(folder)).toMatchObject({ head: 1 })
    })

    it('is claimed once', async () => {
      const { run } = await started(store())
      const claims = await Promise.all([store().claimRun(run.id), store().claimRun(run.id)])
      expect(claims.filter(Boolean)).toHaveLength(1)
      expect(await store().run(run.id)).toMatchObject({ state: 'running' })
      expect(await store().claimRun(fresh().run)).toBe(false)
    })

    it('ends with its last events, once, and frees its folder', async () => {
      const { id, folder, run } = await started(store())
      await store().claimRun(run.id)
      expect(await store().endRun(run.id, ['{"n":2}', '{"n":3}'], 8)).toEqual({ status: 'stored', first: 2, last: 3 })
      expect(await store().run(run.id)).toEqual({ ...run, state: 'ended', last: 3 })
      expect(await store().openRun(folder)).toBeUndefined()
      expect(await store().openRuns()).not.toContainEqual(expect.objectContaining({ id: run.id }))
      expect(await store().endRun(run.id, ['{"n":4}'], 9)).toEqual({ status: 'closed' })
      expect(await store().append(run.id, ['{"n":4}'], 9)).toEqual({ status: 'closed' })
      expect(await store().claimRun(run.id)).toBe(false)
      expect(await store().conversation(id)).toMatchObject({ head: 3, updatedAt: 8 })
      expect(await store().beginRun(newRun({ name: id, folder }))).toMatchObject({ status: 'begun', run: { first: 4 } })
    })

    it('can end without ever having been claimed', async () => {
      const { run } = await started(store())
      expect(await store().endRun(run.id, ['{}'], 2)).toEqual({ status: 'stored', first: 2, last: 2 })
      expect(await store().run(run.id)).toMatchObject({ state: 'ended', last: 2 })
    })

    it('a run that the agent begins stays in its own conversation, also when the folder has another by now', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const next = fresh().id
      await store().activate({ id: next, folder, cwd: folder, at: 3 })
      const begun = await store().beginRun(newRun({ name: id, folder, begunBy: 'agent', text: '' }))
      expect(begun).toMatchObject({ status: 'begun', run: { conversation: id, first: 3, begunBy: 'agent', text: '' } })
      expect(await store().canonical(folder)).toMatchObject({ id: next, head: 0 })
      expect(await store().beginRun(newRun({ name: next, folder }))).toMatchObject({ status: 'busy' })
    })

    it('the agent cannot begin a run in a conversation that does not exist', async () => {
      const { id, folder } = fresh()
      const answer = store().beginRun(newRun({ name: id, folder, begunBy: 'agent' }))
      await expect(answer).rejects.toMatchObject({ code: 'conversation_unknown' })
      expect(await store().canonical(folder)).toBeUndefined()
    })

    it('an id that was used for a run is not used for another', async () => {
      const { run } = await started(store())
      const { id, folder } = fresh()
      await expect(store().beginRun({ ...newRun({ name: id, folder }), id: run.id })).rejects.toThrow()
      expect(await store().conversation(id)).toBeUndefined()
      expect(await store().canonical(folder)).toBeUndefined()
      expect(await store().run(run.id)).toEqual(run)
    })
  })
}

function appending(store: () => Store): void {
  describe('appending', () => {
    it('stores nothing for a run that nobody knows', async () => {
      expect(await store().append(fresh().run, ['{}'], 1)).toEqual({ status: 'closed' })
      expect(await store().endRun(fresh().run, ['{}'], 1)).toEqual({ status: 'closed' })
    })

    it('refuses what would shift the numbers: no lines at all, or a line that is two', async () => {
      const { id, run } = await started(store())
      await expect(store().append(run.id, [], 2)).rejects.toThrow(RangeError)
      await expect(store().append(run.id, ['{}', '{}\n{}'], 2)).rejects.toThrow(RangeError)
      expect(await store().conversation(id)).toMatchObject({ head: 1 })
    })

    it('numbers appends in the order in which they were asked for', async () => {
      const { run } = await started(store())
      const asked = Array.from({ length: 50 }, (_, n) => store().append(run.id, Array(1 + (n % 3)).fill('{}'), n))
      let next = 2
      for (const [n, appended] of (await Promise.all(asked)).entries()) {
        expect(appended).toEqual({ status: 'stored', first: next, last: next + (n % 3) })
        next += 1 + (n % 3)
      }
    })

    it('what was appended can be read as soon as the append resolves', async () => {
      const { id, run } = await started(store())
      for (let n = 2; n < 30; n++) {
        await store().append(run.id, [`{"n":${n}}`], n)
        expect(text(await store().page(id, n - 1, 1000))).toBe(`{"n":${n}}\n`)
        expect(await store().conversation(id)).toMatchObject({ head: n, updatedAt: n })
      }
    })

    it('takes lines of every size, also more than fits into one row', async () => {
      const { id, run } = await started(store())
      const big = [300_000, 1, 700_000, 100, 262_143, 262_144].map((size) => JSON.stringify('x'.repeat(size)))
      const many = Array.from({ length: 5000 }, (_, n) => `{"n":${n}}`)
      expect(await store().append(run.id, [...big, ...many], 2)).toEqual({ status: 'stored', first: 2, last: 5007 })
      expect(await allLines(store(), id)).toEqual(['{"n":1}', ...big, ...many])
    })
  })
}

function pages(store: () => Store): void {
  describe('pages', () => {
    it('is empty where there is nothing, however large the position', async () => {
      const { id } = await started(store())
      const empty = new Uint8Array()
      for (const after of [1, 2, 1e15, Number.MAX_SAFE_INTEGER - 1]) {
        const page = await store().page(id, after, 1000)
        expect({ ...page, lines: new Uint8Array(page.lines) }).toEqual({ first: after + 1, count: 0, lines: empty })
      }
      expect(await store().page(fresh().id, 0, 1000)).toMatchObject({ first: 1, count: 0 })
    })

    it('holds one event even when that is larger than asked for', async () => {
      const { id, run } = await started(store())
      await store().append(run.id, [JSON.stringify('x'.repeat(1000))], 2)
      const page = await store().page(id, 1, 1)
      expect(page).toMatchObject({ first: 2, count: 1 })
      expect(page.lines).toHaveLength(1003)
    })

    it('does not hold much more than was asked for', async () => {
      const { id, run } = await started(store())
      const line = JSON.stringify('x'.repeat(1000))
      for (let n = 0; n < 4; n++) await store().append(run.id, Array(500).fill(line), 2)
      const page = await store().page(id, 0, 256 * 1024)
      expect(page.count).toBeGreaterThan(100)
      expect(page.lines.length).toBeLessThanOrEqual(512 * 1024)
    })
  })
}

function numbering(store: () => Store): void {
  const step = fc.record({
    conversation: fc.nat(3),
    sizes: fc.array(fc.oneof(fc.nat(60), fc.constantFrom(5000, 90_000)), { minLength: 1, maxLength: 5 }),
    isAwaited: fc.boolean(),
    endsRun: fc.nat(9).map((n) => n === 0),
  })
  const look = fc.record({ conversation: fc.nat(3), after: fc.nat(60), bytes: fc.oneof(fc.nat(300), fc.nat(600_000)) })

  it('whatever is appended in whatever order is read back, numbered 1, 2, 3 … in each conversation', async () => {
    // fast-check prints the seed of a failure
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(look, { maxLength: 20 }), async (steps, looks) => {
        const begun = await Promise.all([0, 1, 2, 3].map(() => started(store())))
        const said = begun.map(() => ['{"n":1}'])
        const answers: Promise<unknown>[] = []
        for (const { conversation, sizes, isAwaited, endsRun } of steps) {
          const mine = said[conversation] ?? []
          const place = begun[conversation]
          if (place === undefined) continue
          const lines = sizes.map((size, n) => JSON.stringify({ n: mine.length + n + 1, x: 'x'.repeat(size) }))
          const expected = { status: 'stored', first: mine.length + 1, last: mine.length + lines.length }
          const asked = store()[endsRun ? 'endRun' : 'append'](place.run.id, lines, 1)
          const answer = asked.then((appended) => expect(appended).toEqual(expected))
          mine.push(...lines)
          answers.push(answer)
          if (isAwaited || endsRun) await answer
          if (endsRun) {
            const next = newRun({ name: place.id, folder: place.folder, line: `{"n":${mine.length + 1}}` })
            const again = await store().beginRun(next)
            expect(again).toMatchObject({ status: 'begun', run: { first: mine.length + 1 } })
            mine.push(next.line)
            if (again.status === 'begun') place.run = again.run
          }
        }
        await Promise.all(answers)

        for (const [n, { id, run }] of begun.entries()) {
          const mine = said[n] ?? []
          expect(await store().conversation(id)).toMatchObject({ head: mine.length })
          expect(await allLines(store(), id)).toEqual(mine)
          for (const { after, bytes } of looks.filter(({ conversation }) => conversation === n)) {
            const page = await store().page(id, after, bytes)
            expect(page.first).toBe(after + 1)
            expect(page.count > 0).toBe(after < mine.length)
            expect(linesOf(page)).toEqual(mine.slice(after, after + page.count))
          }
          await store().endRun(run.id, ['{}'], 1)
        }
      }),
      { numRuns: 60 },
    )
  })
}

function imports(store: () => Store): void {
  describe('imports', () => {
    const history = Array.from({ length: 3000 }, (_, n) => JSON.stringify({ n: n + 1, x: 'x'.repeat(200) }))
    const imported = (more: object = {}) => ({
      ...fresh(),
      cwd: '~/old',
      group: 'g',
      sessionId: 'session-0',
      createdAt: 10,
      updatedAt: 20,
      lines: history,
      canonical: true,
      ...more,
    })

    it('keeps ids, numbers and times, and can go on from there', async () => {
      const old = imported()
      expect(await store().importConversation(old)).toBe(true)
      expect(await store().canonical(old.folder)).toEqual({
        id: old.id,
        folder: old.folder,
        cwd: '~/old',
        group: 'g',
        sessionId: 'session-0',
        head: 3000,
        createdAt: 10,
        updatedAt: 20,
      })
      expect(await allLines(store(), old.id)).toEqual(history)
      const begun = await store().beginRun(newRun({ name: old.id, folder: old.folder }))
      expect(begun).toMatchObject({ status: 'begun', run: { first: 3001 } })
    })

    it('changes nothing when the id is known, as a conversation or as another name', async () => {
      const { id, folder, run } = await started(store())
      await store().endRun(run.id, ['{}'], 2)
      const alias = fresh().id
      await endOf(store(), newRun({ name: alias, folder }))
      const before = await store().conversation(id)
      expect(await store().importConversation(imported({ id }))).toBe(false)
      expect(await store().importConversation(imported({ id: alias }))).toBe(false)
      expect(await store().conversation(id)).toEqual(before)
      expect(await store().resolve(alias)).toMatchObject({ conversation: { id } })
    })

    it('does not take a folder from the conversation that it has', async () => {
      const { id, folder } = await started(store())
      const old = imported({ folder, lines: [], sessionId: undefined, group: undefined })
      expect(await store().importConversation(old)).toBe(true)
      expect(await store().canonical(folder)).toMatchObject({ id })
      expect(await store().conversation(old.id)).toMatchObject({ head: 0, sessionId: undefined, group: undefined })
      expect(await store().resolve(old.id)).toMatchObject({ conversation: { id }, isOwn: false })
    })

    it("history that is nobody's conversation stands for itself until a run makes it the folder's", async () => {
      const old = imported({ canonical: false, lines: ['{"n":1}'] })
      await store().importConversation(old)
      expect(await store().canonical(old.folder)).toBeUndefined()
      expect(await store().resolve(old.id)).toMatchObject({ conversation: { id: old.id }, isOwn: true })
      const begun = await store().beginRun(newRun({ name: old.id, folder: old.folder }))
      expect(begun).toMatchObject({ status: 'begun', conversation: { id: old.id, head: 2 } })
      expect(await store().canonical(old.folder)).toMatchObject({ id: old.id })
    })
  })
}

function processes(store: () => Store): void {
  it('remembers agent processes until they are removed, a reused pid apart', async () => {
    const before = await store().processes()
    const [a, b, c] = [
      { pid: 11, startedAt: 'x' },
      { pid: 11, startedAt: 'y' },
      { pid: 12, startedAt: 'x' },
    ] as const
    for (const process of [a, b, c, a]) await store().addProcess(process)
    expect(await store().processes()).toEqual(expect.arrayContaining([a, b, c]))
    expect(await store().processes()).toHaveLength(before.length + 3)
    for (const process of [a, c, c]) await store().removeProcess(process)
    expect(await store().processes()).toEqual([...before, b])
    await store().removeProcess(b)
  })
}

let count = 0

/** Ids that no other test uses. */
export function fresh(): { id: ConversationId; folder: Folder; run: RunId } {
  count++
  return {
    id: ConversationId.parse(`conversation-${count}`),
    folder: `/folder/${count}` as Folder,
    run: count.toString(16).padStart(32, '0') as RunId,
  }
}

/** A run to begin, with what a test does not care about filled in. */
export function newRun(of: Partial<NewRun> & Pick<NewRun, 'name' | 'folder'>): NewRun {
  return { id: fresh().run, cwd: of.folder, begunBy: 'client', text: 'hi', options: {}, line: '{"n":1}', at: 1, ...of }
}

/** A new conversation in a new folder, with a run in it. */
export async function started(store: Store): Promise<{ id: ConversationId; folder: Folder; run: Run }> {
  const { id, folder } = fresh()
  const begun = await store.beginRun(newRun({ name: id, folder }))
  if (begun.status !== 'begun') throw new Error(`a run in a new folder is ${begun.status}`)
  return { id, folder, run: begun.run }
}

/** Begins a run and ends it. */
export async function endOf(store: Store, run: NewRun): Promise<void> {
  expect(await store.beginRun(run)).toMatchObject({ status: 'begun' })
  await store.endRun(run.id, ['{}'], run.at)
}

/** All events of a conversation, page by page. */
export async function allLines(store: Store, id: ConversationId, atMostBytes = 100_000): Promise<string[]> {
  const lines: string[] = []
  for (;;) {
    const page = await store.page(id, lines.length, atMostBytes)
    if (page.count === 0) return lines
    lines.push(...linesOf(page))
  }
}

/** The lines of a page; as many as it says. */
export function linesOf(page: Page): string[] {
  if (page.count === 0) return []
  const all = text(page)
  expect(all.endsWith('\n')).toBe(true)
  const lines = all.slice(0, -1).split('\n')
  expect(lines).toHaveLength(page.count)
  return lines
}

function text(page: Page): string {
  return Buffer.from(page.lines).toString()
}
