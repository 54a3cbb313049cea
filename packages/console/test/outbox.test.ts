import { expect, test } from 'vitest'
import { startDoor } from '../../client/test/door.ts'
import { call, replay } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { begin, EXECUTABLE, openBrowser, PATIENCE } from './page.ts'

/** What becomes of prompts between the page and the service. */

const inBrowser = test.skipIf(EXECUTABLE === undefined)

/** What people have said in a conversation, in the order of the log. */
async function prompts(base: string, id: string): Promise<unknown[]> {
  const all = await replay(base, id)
  return all
    .filter(({ event }) => event.type === 'user')
    .map(({ event }) => (event['message'] as { content: [{ text: string }] }).content[0].text)
}

inBrowser('what is written while a prompt is on its way stays, and a reload sends each once, in order', async () => {
  await using service = await startTestService()
  const id = await begin(service, 'first')
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/c/${id}`)
  await page.getByText('You said: first').waitFor()
  const held = Promise.withResolvers<undefined>()
  // The first one arrives, and nothing is heard of it.
  await page.route('**/messages', async (route) => {
    await route.fetch()
    await held.promise
  })
  const box = page.getByRole('textbox', { name: 'Prompt' })
  for (const text of ['second', 'third']) {
    await box.fill(text)
    await box.press('Enter')
  }
  await box.fill('not yet')
  const sending = page.getByRole('list', { name: 'On their way' }).getByRole('listitem')
  await expect.poll(() => sending.count(), PATIENCE).toBe(2)
  await page.getByText('You said: second').waitFor()
  expect(await box.inputValue()).toBe('not yet')
  await page.unroute('**/messages')
  await page.reload()
  await page.getByText('You said: third').waitFor()
  await expect.poll(() => sending.count(), PATIENCE).toBe(0)
  expect(await box.inputValue()).toBe('not yet')
  expect(await prompts(service.base, id)).toEqual(['first', 'second', 'third'])
  expect(complaints).toEqual([])
})

inBrowser('a prompt that is written without a connection goes when it is back, once', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  const id = await begin(service, 'first')
  const open = await openBrowser()
  const { page, complaints } = await open(`${door.base}/#/c/${id}`)
  await page.getByText('You said: first').waitFor()
  // Requests arrive, answers do not.
  door.cutAfter(() => 0)
  door.cut()
  await page.getByText('No connection. It comes back by itself').waitFor()
  await page.getByRole('textbox', { name: 'Prompt' }).fill('from a tunnel')
  await page.getByRole('textbox', { name: 'Prompt' }).press('Enter')
  await page.getByText('Goes when the connection is back').waitFor()
  await expect.poll(() => prompts(service.base, id), PATIENCE).toEqual(['first', 'from a tunnel'])
  door.cutAfter(() => Number.POSITIVE_INFINITY)
  await page.getByText('You said: from a tunnel').waitFor()
  await page.getByText('Goes when the connection is back').waitFor({ state: 'hidden' })
  await expect.poll(() => page.getByRole('list', { name: 'On their way' }).count(), PATIENCE).toBe(0)
  expect(await prompts(service.base, id)).toEqual(['first', 'from a tunnel'])
  expect(complaints).toEqual([])
})

inBrowser('a prompt that is refused says why, and can be written anew', async () => {
  await using service = await startTestService()
  const id = await begin(service, 'first')
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/c/${id}`)
  await page.getByText('You said: first').waitFor()
  await call(`${service.base}/v1/conversations/${id}`, { method: 'DELETE' })
  const box = page.getByRole('textbox', { name: 'Prompt' })
  await box.fill('too late')
  await box.press('Enter')
  const sending = page.getByRole('list', { name: 'On their way' })
  await sending.getByRole('alert').waitFor()
  await page.reload()
  await sending.getByRole('alert').waitFor()
  await box.fill('and more')
  await sending.getByRole('button', { name: 'Edit' }).click()
  await sending.waitFor({ state: 'hidden' })
  expect(await box.inputValue()).toBe('too late\nand more')
})
