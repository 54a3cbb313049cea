import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { promptEvent } from '@claude-proxy/protocol/events'
import type { ConversationId } from '@claude-proxy/protocol/ids'
import type { Found, PageToIndex, SearchIndex } from '../../src/core/ports/search.ts'
import { marked, parseQuery } from '../../src/core/search/query.ts'
import { wordsOf } from '../../src/core/search/words.ts'
import { fresh } from './samples.ts'

/** An index to test, and how to throw it away. */
export interface IndexUnderTest {
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
    })
    afterAll(() => subject.discard())

    const everywhere = async (query: string, each = 10) => sorted(await index.everywhere(parseQuery(query), each))
    const within = (query: string, ids: ConversationId[], each = 10, before?: number) =>
      index.within(parseQuery(query), ids, each, before)

    it('finds the newest events first, in the conversations that are asked for, in their order', async () => {
      const [one, two, three] = [fresh().id, fresh().id, fresh().id]
      await index.add([
        prompts(one, 1, 'alpha', 'beta', 'alpha beta'),
        prompts(two, 1, 'gamma', 'Álpha'),
        prompts(three, 1, 'gamma'),
      ])
      expect(await everywhere('alpha')).toEqual(sorted([found(one, 3, 1), found(two, 2)]))
      expect(await within('alpha', [two, three, one])).toEqual([found(two, 2), found(one, 3, 1)])
      expect(await within('alpha', [one], 1)).toEqual([found(one, 3)])
      expect(await within('alpha', [one, two], 10, 3)).toEqual([found(one, 1), found(two, 2)])
      expect(await within('alpha', [one], 10, 1)).toEqual([])
      expect(await within('alpha', [fresh().id])).toEqual([])
      expect(await within('"beta alpha"', [one])).toEqual([])
      expect(await within('beta alpha', [one])).toEqual([found(one, 3)])
    })

    it('is filled page by page, in one piece each time, and knows how far it has come', async () => {
      const id = fresh().id
      await index.add([prompts(id, 1, 'first delta'), prompts(id, 2, 'second delta')])
      await index.add([prompts(id, 1, 'first delta')])
      expect((await index.positions()).get(id)).toBe(2)
      await expect(index.add([prompts(fresh().id, 1, 'delta'), prompts(id, 4, 'delta')])).rejects.toThrow()
      await index.add([prompts(id, 3, 'third delta')])
      expect(await everywhere('delta')).toEqual([found(id, 3, 2, 1)])
      expect((await index.positions()).get(id)).toBe(3)
    })

    it('knows nothing of a conversation that was removed, and takes it in anew', async () => {
      const [id, other] = [fresh().id, fresh().id]
      const texts = Array.from({ length: 1200 }, () => 'epsilon')
      await index.add([prompts(id, 1, ...texts), prompts(other, 1, 'epsilon')])
      await index.remove([id, fresh().id])
      expect(await everywhere('epsilon')).toEqual([found(other, 1)])
      expect(await within('epsilon', [id])).toEqual([])
      await index.add([prompts(id, 1, 'epsilon again')])
      while (await index.tidy());
      expect(await everywhere('epsilon')).toEqual(sorted([found(other, 1), found(id, 1)]))
    })

    it('finds a letter of a script without blanks, and beginnings of words', async () => {
      const id = fresh().id
      await index.add([prompts(id, 1, '全文検索を試す', 'configuration', '検 全')])
      expect(await within('検索', [id])).toEqual([found(id, 1)])
      expect(await within('検', [id])).toEqual([found(id, 3, 1)])
      for (const beginning of ['con*', 'conf*', 'configuration*'])
        expect(await within(beginning, [id])).toEqual([found(id, 2)])
      expect(await within('configurations*', [id])).toEqual([])
    })

    it('finds the few beside the many, whole words and beginnings', async () => {
      const [one, many, two] = [fresh().id, fresh().id, fresh().id]
      await index.add([
        prompts(one, 1, 'zetas'),
        prompts(many, 1, ...Array.from({ length: 20_001 }, () => 'zetas')),
        prompts(two, 1, 'zetas'),
      ])
      for (const query of ['zetas', 'zet*', 'zeta*']) {
        expect(await everywhere(query, 2), query).toEqual(
          sorted([found(one, 1), found(many, 20_001, 20_000), found(two, 1)]),
        )
        expect(await within(query, [two, one]), query).toEqual([found(two, 1), found(one, 1)])
        expect(await within(query, [many, two], 2, 5), query).toEqual([found(many, 4, 3), found(two, 1)])
      }
      await index.remove([many])
    })

    it('finds beginnings that few words have, and those that many have', async () => {
      const id = fresh().id
      const texts = Array.from({ length: 60 }, (_, n) => `before theta${n} behind`)
      await index.add([prompts(id, 1, ...texts)])
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
              if (middle > 0) await index.add([prompts(id, 1, ...texts.slice(0, middle))])
              if (texts.length > middle) await index.add([prompts(id, middle + 1, ...texts.slice(middle))])
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
            await index.remove(ids)
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

/** A page of prompts, the first of which has the number `first`. */
export function prompts(conversation: ConversationId, first: number, ...texts: string[]): PageToIndex {
  const lines = texts.map((text) => `${JSON.stringify(promptEvent(text, '2026-11-23T08:15:30.000Z'))}\n`)
  return { conversation, page: { first, count: texts.length, lines: Buffer.from(lines.join('')) } }
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
