import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { call, replay, stream, streamAll } from '../../support/client.ts'
import { pdf, png } from '../../support/files.ts'
import { type AgentName, startTestService } from '../../support/service.ts'
import { download, interrupt, marksOf, queueOf, uploaded } from '../calls.ts'
import { expectWholeRuns } from '../expectations.ts'
import type { Words } from '../words.ts'

/** What comes with prompts. */
export function attachmentContract(agent: AgentName, words: Words): void {
  describe('attachments', () => {
    test('uploaded or inside the request, they are named by the prompt event and given back by their id', async () => {
      await using service = await startTestService({ agent })
      const picture = png(5, 6)
      const body = {
        conversation_id: 'files',
        cwd: service.folder(),
        text: words.say('Look.'),
        attachments: [
          { upload_id: await uploaded(service, picture, 'größe.png') },
          { name: 'a.pdf', data: pdf().toString('base64') },
          { data: Buffer.from('some text').toString('base64') },
        ],
      }
      const received = await streamAll(service.base, body)
      expectWholeRuns(received, 1)
      expect(received.at(-1)?.event).toMatchObject({ is_error: false })
      const [prompt] = received
      if (!prompt) throw new Error('there is no prompt')
      const id = expect.stringMatching(/^[0-9a-f]{32}$/)
      const image = { name: 'größe.png', media_type: 'image/png', bytes: picture.length, width: 5, height: 6 }
      expect(marksOf(prompt)).toEqual([
        { attachment_id: id, ...image },
        { attachment_id: id, name: 'a.pdf', media_type: 'application/pdf', bytes: pdf().length },
        { attachment_id: id, name: null, media_type: 'text/plain', bytes: 9 },
      ])
      // Old clients find what they always found.
      expect(prompt.event['message']).toEqual({ role: 'user', content: [{ type: 'text', text: body.text }] })
      for (const { data } of received) expect(data).not.toContain(picture.toString('base64').slice(0, 60))
      const ids = marksOf(prompt).map(({ attachment_id }) => attachment_id)
      for (const [n, content] of [picture, pdf(), Buffer.from('some text')].entries())
        expect((await download(service, ids[n] ?? '')).content).toEqual(content)
      // Nothing of them is where the agent works.
      expect(readdirSync(body.cwd)).toEqual([])
    })

    test('of a prompt that waits they survive a restart, and a change of its words', async () => {
      await using service = await startTestService({ agent })
      const place = { conversation_id: 'waits', cwd: service.folder() }
      const running = await stream(service.base, { ...place, text: words.hang })
      await running.until(({ event }) => event.subtype === 'init')
      const attachments = [{ upload_id: await uploaded(service, png(), 'a.png') }, { name: 'b.txt', data: 'aGk=' }]
      const waiting = await stream(service.base, { ...place, text: 'wait', when_busy: 'queue', attachments })
      const told = await waiting.until(({ event }) => event.subtype === 'prompt_queued')
      expect(marksOf(told).map(({ name }) => name)).toEqual(['a.png', 'b.txt'])
      const [queued] = await queueOf(service, 'waits')
      expect(queued).toMatchObject({ attachments: marksOf(told) })
      await call(`${service.base}/v1/queue/${queued?.prompt_id}`, {
        method: 'PATCH',
        body: { text: words.say('Now.') },
      })
      await service.restart()
      await expect
        .poll(async () => (await replay(service.base, 'waits')).filter(({ event }) => event.type === 'result').length, {
          timeout: 30_000,
        })
        .toBe(2)
      const all = await replay(service.base, 'waits')
      const begun = all.findLast(({ event }) => event.type === 'user' && event['prompt_id'] !== undefined)
      expect(begun && marksOf(begun)).toEqual(marksOf(told))
      expect(all.at(-1)?.event).toMatchObject({ is_error: false })
    })

    test('go with their conversation', async () => {
      await using service = await startTestService({ agent })
      const { json } = await call(`${service.base}/v1/conversations`, {
        method: 'POST',
        body: { cwd: service.folder() },
      })
      const id = String(json?.['conversation_id'])
      const upload = await uploaded(service, 'some text')
      const sent = await call(`${service.base}/v1/conversations/${id}/messages`, {
        method: 'POST',
        body: { text: words.hang, attachments: [{ upload_id: upload }] },
      })
      expect(sent).toMatchObject({ status: 202, json: { outcome: 'begun' } })
      const path = join(service.dataDir, 'attachments', upload)
      expect(existsSync(path)).toBe(true)
      await interrupt(service, id)
      const remove = () => call(`${service.base}/v1/conversations/${id}`, { method: 'DELETE' })
      await expect.poll(async () => (await remove()).status, { timeout: 10_000 }).toBe(200)
      expect((await download(service, upload)).status).toBe(404)
      expect(existsSync(path)).toBe(false)
    })
  })
}
