import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Found, SearchIndex } from '../../src/core/ports/search.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { marked, parseQuery } from '../../src/core/search/query.ts'
import { wordsOf } from '../../src/core/search/words.ts'
import { fresh } from './samples.ts'

/** An index to test, the store that it follows, and how to throw both away. */
export interface IndexUnderTest {
  readonly store: Store
  readonly index: SearchIndex
  discard(): Promise<void>
}

/** What every implementation of `SearchIndex` promises. */
export function searchContract(name: string, open: () => Promise<IndexUnderTest>): void {
  describe(`search index: ${name}`, () => {
    let subject: IndexUnderTest
    let index: SearchIndex
    beforeAll(async () => {
      subject = await open()
      index = subject.index
      await index.positions()
    })
    afterAll(() => subject.discard())

    const everywhere = async (query: string, each = 10) => sorted(await index.everywhere(parseQuery(query), each))
    const within = (query: string, ids: ConversationId[], each = 10, before?: number) =>
      index.within(parseQuery(query), ids, each, before)

    /** Stores prompts, and has the index take them in. */
    async function tell(...all: readonly (readonly [id: ConversationId, ...texts: string[]])[]): Promise<void> {
      for (const [id, ...texts] of all) await append(subject.store, id, texts)
      await level(all.map(([id]) => id))
    }
    async function level(ids: readonly ConversationId[]): Promise<void> {
      for (let behind = new Set(ids); behind.size > 0;)
        for (const { conversation, isLevel } of await index.catchUp([...behind], 1024 * 1024))
          if (isLevel) behind.delete(conversation)
    }
    async function remove(ids: readonly ConversationId[]): Promise<void> {
      for (const id of ids) await subject.store.deleteConversation(id)
      await level(ids)
    }

    it('finds the newest events first, in the conversations that are asked for, in their order', async () => {
      const [one, two, three] = [fresh().id, fresh().id, fresh().id]
      await tell([one, 'alpha', 'beta', 'alpha beta'], [two, 'gamma', 'Álpha'], [three, 'gamma'])
      expect(await everywhere('alpha')).toEqual(sorted([found(one, 3, 1), found(two, 2)]))
      expect(await within('alpha', [two, three, one])).toEqual([found(two, 2), found(one, 3, 1)])
      expect(await within('alpha', [one], 1)).toEqual([found(one, 3)])
      expect(await within('alpha', [one, two], 10, 3)).toEqual([found(one, 1), found(two, 2)])
      expect(await within('alpha', [one], 10, 1)).toEqual([])
      expect(await within('alpha', [fresh().id])).toEqual([])
      expect(await within('"beta alpha"', [one])).toEqual([])
      expect(await within('beta alpha', [one])).toEqual([found(one, 3)])
    })

    it('takes in what is new, as much as it is asked for, and knows how far it has come', async () => {
      const [one, two, none] = [fresh().id, fresh().id, fresh().id]
      await append(subject.store, one, ['first delta', 'second delta'])
      await append(subject.store, two, ['delta'])
      expect(await index.catchUp([one, two], 1)).toEqual([{ conversation: one, isLevel: true }])
      expect(await index.catchUp([one, none, two], 1)).toEqual(
        [one, none, two].map((conversation) => ({ conversation, isLevel: true })),
      )
      await tell([one, 'third delta'])
      expect(await everywhere('delta')).toEqual(sorted([found(one, 3, 2, 1), found(two, 1)]))
      const positions = await index.positions()
      expect([one, two, none].map((id) => positions.get(id))).toEqual([3, 1, undefined])
    })

    it('comes to the end of a long conversation step by step', async () => {
      const id = fresh().id
      await append(
        subject.store,
        id,
        Array.from({ length: 1000 }, (_, n) => `iota number${n} ${'x'.repeat(2000)}`),
      )
      let steps = 1
      while ((await index.catchUp([id], 1)).some(({ isLevel }) => !isLevel)) steps++
      expect(steps).toBeGreaterThan(1)
      expect(await within('iota', [id], 2)).toEqual([found(id, 1000, 999)])
      expect((await index.positions()).get(id)).toBe(1000)
    })

    it('knows nothing of a conversation that was deleted', async () => {
      const [id, other] = [fresh().id, fresh().id]
      await tell([id, ...Array.from({ length: 1200 }, () => 'epsilon')], [other, 'epsilon'])
      await remove([id, fresh().id])
      expect(await everywhere('epsilon')).toEqual([found(other, 1)])
      expect(await within('epsilon', [id])).toEqual([])
      expect((await index.positions()).has(id)).toBe(false)
      while (await index.tidy());
      expect(await everywhere('epsilon')).toEqual([found(other, 1)])
    })

    it('finds a letter of a script without blanks, and beginnings of words', async () => {
      const id = fresh().id
      await tell([id, '全文検索を試す', 'configuration', '検 全'])
      expect(await within('検索', [id])).toEqual([found(id, 1)])
      expect(await within('検', [id])).toEqual([found(id, 3, 1)])
      for (const beginning of ['con*', 'conf*', 'configuration*'])
        expect(await within(beginning, [id])).toEqual([found(id, 2)])
      expect(await within('configurations*', [id])).toEqual([])
    })

    it('finds the few beside the many, whole words and beginnings', async () => {
      const [one, many, two] = [fresh().id, fresh().id, fresh().id]
      await tell([one, 'zetas'], [many, ...Array.from({ length: 20_001 }, () => 'zetas')], [two, 'zetas'])
      for (const query of ['zetas', 'zet*', 'zeta*']) {
        expect(await everywhere(query, 2), query).toEqual(
          sorted([found(one, 1), found(many, 20_001, 20_000), found(two, 1)]),
        )
        expect(await within(query, [two, one]), query).toEqual([found(two, 1), found(one, 1)])
        expect(await within(query, [many, two], 2, 5), query).toEqual([found(many, 4, 3), found(two, 1)])
      }
      await remove([many])
    })

    it('finds beginnings that few words have, and those that many have', async () => {
      const id = fresh().id
      const texts = Array.from({ length: 60 }, (_, n) => `before theta${n} behind`)
      await tell([id, ...texts])
      const numbers = (start: string) =>
        texts.flatMap((text, n) => (text.includes(` ${start}`) ? [n + 1] : [])).toReversed()
      for (const start of ['theta', 'theta5', 'theta59', 'theta7', 'thet'])
        for (const query of [`${start}*`, `"before ${start}"*`, `${start}* behind`])
          expect(await within(query, [id], 100), query).toEqual([found(id, ...numbers(start))])
      expect(await within('"behind theta5"*', [id])).toEqual([])
      expect(await within('theta60*', [id])).toEqual([])
    })

    it('finds just what a look at every event finds', async () => {
      const WORDS = [
        'a',
        'b',
        'aa',
        'aaa',
        'aaab',
        'Ä',
        '検',
        '検索',
        'x'.repeat(70),
        'e\u0301',
        '-',
        '💥',
        '"',
        '\ud800',
      ]
      const text = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 }).map((words) => words.join(' '))
      const term = fc.oneof(
        fc.constantFrom(...WORDS),
        text.map((words) => `"${words.replaceAll('"', '')}"`),
        fc.constantFrom('aaa*', 'aaab*', `${'x'.repeat(66)}*`, '"a aaa"*'),
      )
      const query = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(' '))
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(text, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
          fc.array(query),
          async (all, queries) => {
            const known = all.map((texts) => ({ id: fresh().id, texts }))
            for (const { id, texts } of known) {
              const middle = Math.floor(texts.length / 2)
              if (middle > 0) await tell([id, ...texts.slice(0, middle)])
              if (texts.length > middle) await tell([id, ...texts.slice(middle)])
            }
            const ids = known.map(({ id }) => id)
            for (const each of queries.filter((words) => isQuery(words))) {
              const expected = known.map(({ id, texts }) =>
                found(id, ...texts.flatMap((words, n) => (finds(each, words) ? [n + 1] : [])).toReversed()),
              )
              const some = expected.filter(({ numbers }) => numbers.length > 0)
              expect(await within(each, ids), each).toEqual(some)
              const there = await everywhere(each)
              if (there)
                expect(
                  there.filter(({ conversation }) => ids.includes(conversation)),
                  each,
                ).toEqual(sorted(some))
            }
            await remove(ids)
          },
        ),
        { numRuns: 50 },
      )
    })

    it('refuses all work once it is closed, and may be closed twice', async () => {
      const other = await open()
      await other.index.positions()
      await Promise.all([other.index.close(), other.index.close()])
      await expect(other.index.positions()).rejects.toMatchObject({ code: 'shutting_down' })
      await other.discard()
    })
  })
}

/** Stores prompts in a conversation, which need not be there. */
export async function append(store: Store, id: ConversationId, texts: readonly string[]): Promise<void> {
  const lines = texts.map((text) => JSON.stringify(promptEvent(text, '2026-11-23T08:15:30.000Z')))
  const { folder } = fresh()
  const facts = { group: undefined, sessionId: undefined, createdAt: 1, updatedAt: 1, canonical: false }
  if (!(await store.conversation(id)))
    return void (await store.importConversation({ id, folder, cwd: '/', lines, ...facts }))
  for (const line of lines) await store.addNote(id, line, 1)
}

export function found(conversation: ConversationId, ...numbers: number[]): Found {
  return { conversation, numbers }
}

function sorted(all: readonly Found[] | undefined): readonly Found[] | undefined {
  return all?.toSorted((a, b) => a.conversation.localeCompare(b.conversation))
}

function isQuery(text: string): boolean {
  try {
    return parseQuery(text).length > 0
  } catch {
    return false
  }
}

function finds(query: string, text: string): boolean {
  return marked(parseQuery(query), [...wordsOf(text)]).length > 0
}
