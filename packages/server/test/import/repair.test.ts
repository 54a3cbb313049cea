import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { repairEvents } from '../../src/core/import/repair.ts'

const AT = '2026-01-01T00:00:00.000Z'
const USER = '{"type":"user","message":{"role":"user","content":[]}}'
const RESULT = '{"type":"result","subtype":"success","is_error":false,"result":"ok"}'
const parse = (line: string | undefined) => JSON.parse(line ?? '') as Record<string, unknown>

describe('repairing the events of the original', () => {
  it('keeps sound lines as they are, and their numbers', () => {
    expect(repairEvents(`${USER}\n${RESULT}\n`, AT)).toEqual({ lines: [USER, RESULT], findings: [] })
  })

  it('writes what is not ASCII with escapes, without changing its meaning', () => {
    const line =
      '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Grüße 😀 \u2028"}]}}'
    const [repaired] = repairEvents(`${line}\n${RESULT}\n`, AT).lines
    expect(repaired).toMatch(/^[\x20-\x7e]+$/)
    expect(parse(repaired)).toEqual(parse(line))
  })

  it('B7: a line torn by a crash, and the event glued to it, stay one number', () => {
    const { lines, findings } = repairEvents(`${USER}\n{"type":"assis${USER}\n${RESULT}\n`, AT)
    expect(lines).toHaveLength(3)
    expect(parse(lines[1])).toMatchObject({ type: 'proxy_note', subtype: 'unreadable' })
    expect(findings).toEqual([{ number: 2, what: 'unreadable' }])
  })

  it('B7: two whole events in one line share its number, and the end of a run stays visible', () => {
    const { lines, findings } = repairEvents(`${USER}${RESULT}\n`, AT)
    expect(lines).toHaveLength(1)
    expect(parse(lines[0])).toEqual({ ...parse(RESULT), glued_events: [parse(USER)] })
    expect(findings).toEqual([{ number: 1, what: 'glued' }])
  })

  it('C3: a stored switch notice no longer makes the app start over', () => {
    const notice = '{"type":"proxy_session","event":"switched","canonical_id":"b","previous_id":"a","cwd":"/w"}'
    const { lines, findings } = repairEvents(`${USER}\n${RESULT}\n${notice}\n`, AT)
    expect(parse(lines[2])).toMatchObject({ type: 'proxy_note', subtype: 'switched', canonical_id: 'b' })
    expect(findings).toEqual([{ number: 3, what: 'switch_notice' }])
  })

  it('B4: a last run without a result gets one at the end', () => {
    const { lines, findings } = repairEvents(`${USER}\n${RESULT}\n${USER}\n`, AT)
    expect(parse(lines[3])).toMatchObject({ type: 'result', subtype: 'service_stopped', is_error: true })
    expect(findings).toEqual([{ number: 4, what: 'closed' }])
  })

  it('takes the last line also where a crash has cut off its end', () => {
    expect(repairEvents(`${USER}\n${RESULT}`, AT)).toEqual({ lines: [USER, RESULT], findings: [] })
  })

  it('has nothing to say of an empty file', () => {
    expect(repairEvents('', AT)).toEqual({ lines: [], findings: [] })
  })

  it('gives every line of any file its own number, as one line of JSON in ASCII', () => {
    const anyLine = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
      fc.constantFrom(USER, RESULT, USER + RESULT, '{}', '', 'null', '[1]'),
    )
    fc.assert(
      fc.property(fc.array(anyLine, { minLength: 1 }), (given) => {
        const { lines } = repairEvents(given.map((line) => `${line}\n`).join(''), AT)
        expect([given.length, given.length + 1]).toContain(lines.length)
        for (const line of lines) {
          expect(line).toMatch(/^[\x20-\x7e]+$/)
          expect(parse(line)).toHaveProperty('type')
        }
      }),
    )
  })
})
