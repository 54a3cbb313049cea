import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { importOriginal, type ImportReport } from '../../src/core/import/import.ts'
import type { Store } from '../../src/core/ports/store.ts'
import { createMemoryStore } from '../../src/store/memory/store.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { replay, streamAll } from '../support/client.ts'
import { startTestService } from '../support/service.ts'

const SESSION = '0f0b1a2c-7e1f-4a6e-8a0b-0c5a6a3b1234'
const USER = '{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hi"}]}}'
const RESULT = '{"type":"result","subtype":"success","is_error":false,"result":"ok"}'
const quiet = { info() {}, warn() {}, error() {} }

describe("importing the original's data directory", () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'claude-proxy-original-'))
    mkdirSync(join(directory, 'conversations'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('keeps ids, numbers, folder and session', async () => {
    original('a', { claude_session_id: SESSION, created_at: '2026-01-16T08:00:00Z' }, [USER, RESULT])
    const store = createMemoryStore()
    expect(await run(store)).toEqual([{ outcome: 'imported', id: 'a', events: 2, canonical: true, findings: [] }])
    const resolved = await store.resolve('a' as never)
    expect(resolved?.conversation).toMatchObject({ id: 'a', folder: directory, sessionId: SESSION, head: 2 })
    expect(resolved?.conversation.createdAt).toBe(Date.parse('2026-01-16T08:00:00Z'))
  })

  it("makes the conversation whose meta.json was written last its folder's, however the folder is spelled", async () => {
    original('newer', { cwd: `${directory}/` }, [USER, RESULT], 2000)
    original('older', {}, [USER, RESULT], 1000)
    const reports = await run(createMemoryStore())
    expect(reports).toMatchObject([
      { id: 'newer', canonical: true },
      { id: 'older', canonical: false },
    ])
  })

  it('passes over what is no conversation, and says why', async () => {
    mkdirSync(join(directory, 'conversations', 'broken'))
    writeFileSync(join(directory, 'conversations', 'broken', 'meta.json'), '{')
    original('-bad-id', {}, [])
    original('fine', {}, [])
    const reports = await run(createMemoryStore())
    expect(reports.filter(({ outcome }) => outcome === 'skipped')).toHaveLength(2)
    expect(reports.at(-1)).toMatchObject({ outcome: 'imported', id: 'fine', events: 0 })
  })

  it('does not keep a session id that is none: it would be looked up among titles', async () => {
    original('a', { claude_session_id: 'my favourite session' }, [USER, RESULT])
    const store = createMemoryStore()
    await run(store)
    expect((await store.resolve('a' as never))?.conversation.sessionId).toBeUndefined()
  })

  it('changes nothing in the directory, and nothing in the store the second time', async () => {
    original('a', {}, [USER, RESULT])
    const before = snapshot()
    const store = createMemoryStore()
    await run(store)
    expect(await run(store)).toEqual([{ outcome: 'known', id: 'a' }])
    expect(snapshot()).toEqual(before)
  })

  it('says so when the directory is none of the original', async () => {
    await expect(run(createMemoryStore(), join(directory, 'elsewhere'))).rejects.toThrow(
      'has no folder "conversations"',
    )
  })

  it('lets a service go on where the original was: same id, same numbers, next prompt', async () => {
    await using service = await startTestService()
    original('phone-1', { cwd: service.folder('project'), claude_session_id: SESSION }, [USER, RESULT])
    await service.pause(async () => {
      const store = await openSqliteStore({ dataDir: service.dataDir, log: quiet })
      await run(store)
      await store.close()
    })
    const history = await replay(service.base, 'phone-1')
    expect(history.map(({ data }) => data)).toEqual([USER, RESULT])
    const body = { conversation_id: 'phone-1', cwd: service.folder('project'), text: 'and now?' }
    const next = await streamAll(service.base, body, 2)
    expect(next.map(({ id }) => id)).toEqual(next.map((_, n) => n + 3))
    expect(next.at(-1)?.event.type).toBe('result')
  })

  async function run(store: Store, from = directory): Promise<ImportReport[]> {
    return Array.fromAsync(importOriginal(from, { store, clock: { now: Date.now } }))
  }

  function original(id: string, meta: object, lines: string[], writtenAtSeconds = 1000): void {
    const path = join(directory, 'conversations', id)
    mkdirSync(path)
    writeFileSync(join(path, 'meta.json'), JSON.stringify({ conversation_id: id, cwd: directory, ...meta }))
    utimesSync(join(path, 'meta.json'), writtenAtSeconds, writtenAtSeconds)
    writeFileSync(join(path, 'events.ndjson'), lines.map((line) => `${line}\n`).join(''))
  }

  function snapshot(): object[] {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .toSorted()
      .map((name) => {
        const { mtimeMs, size } = statSync(join(directory, name))
        return {
          name,
          mtimeMs,
          text: size > 0 && name.includes('.') ? readFileSync(join(directory, name), 'utf8') : '',
        }
      })
  }
})
