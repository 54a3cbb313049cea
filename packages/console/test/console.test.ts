import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { begin, EXECUTABLE, openBrowser, PATIENCE, PHONE } from './page.ts'

const inBrowser = test.skipIf(EXECUTABLE === undefined)

inBrowser('an agent is started in a folder from an empty page, and is watched to its end', async () => {
  await using service = await startTestService()
  const open = await openBrowser()
  const { page, complaints, hosts } = await open(service.base)
  await page.getByText('No conversations yet.').waitFor()
  await page.getByRole('link', { name: 'New' }).click()
  await page.getByLabel('Folder', { exact: true }).fill(service.folder('shop'))
  await page.getByLabel('What is to be done?').fill('Say **hello** and <img src=x onerror=alert(1)>')
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByText('Done').waitFor()
  expect(await page.locator('.answer strong').textContent()).toBe('hello')
  expect(await page.locator('.answer').textContent()).toContain('<img src=x onerror=alert(1)>')
  expect(await page.locator('.answer img').count()).toBe(0)
  await page.getByRole('link', { name: /shop|hello/ }).waitFor()
  expect(complaints).toEqual([])
  expect([...hosts]).toEqual([new URL(service.base).host])
})

inBrowser('what was answered on one page says on the other by whom', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@ask tool=Bash ')
  const open = await openBrowser()
  const desk = await open(`${service.base}/#/c/${id}`)
  const phone = await open(`${service.base}/#/c/${id}`, PHONE)
  for (const { page } of [desk, phone]) await page.getByRole('button', { name: 'Allow once' }).waitFor()
  expect(await desk.page.locator('.approval').textContent()).toContain('true')
  await desk.page.getByRole('heading', { name: 'Needs you' }).waitFor()
  await phone.page.getByRole('button', { name: 'Deny…' }).click()
  await phone.page.getByLabel('Why not?').fill('Not on a Friday.')
  await phone.page.getByRole('button', { name: 'Deny', exact: true }).click()
  await desk.page.getByText(/Denied by Chrome/).waitFor()
  await desk.page.getByText('Not on a Friday.').first().waitFor()
  await expect.poll(() => desk.page.locator('.approval').count(), PATIENCE).toBe(0)
  expect([...desk.complaints, ...phone.complaints]).toEqual([])
})

inBrowser(
  'a page that lost the service says so, and goes on by itself when it is back, with nothing twice',
  async () => {
    await using service = await startTestService({ config: { port: await freePort() } })
    const id = await begin(service, 'first')
    const open = await openBrowser()
    const { page } = await open(`${service.base}/#/c/${id}`)
    await page.getByText('You said: first').waitFor()
    await service.pause(async () => {
      await page.getByText('No connection. It comes back by itself').waitFor()
    })
    await page.getByText('No connection. It comes back by itself').waitFor({ state: 'hidden' })
    await page.getByLabel('Prompt').fill('second')
    await page.getByLabel('Prompt').press('Enter')
    await page.getByText('You said: second').waitFor()
    expect(await page.getByText('You said: first').count()).toBe(1)
  },
)

inBrowser('a draft survives a reload; a prompt for a busy agent waits in sight, and can be taken back', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@hang ')
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/c/${id}`, PHONE)
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  await page.getByLabel('Prompt').fill('and then this')
  await page.reload()
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  expect(await page.getByLabel('Prompt').inputValue()).toBe('and then this')
  await page.getByRole('button', { name: 'Send' }).click()
  const queue = page.getByRole('region', { name: 'Prompts that wait' })
  await queue.getByText('and then this').waitFor()
  await queue.getByRole('button', { name: 'Cancel' }).click()
  await queue.waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect.poll(() => page.locator('.end.error').count(), PATIENCE).toBe(1)
})

inBrowser('prompts that wait are put in another order, and the agent gets them so', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@hang ')
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/c/${id}`)
  const waiting = page.getByRole('region', { name: 'Prompts that wait' }).getByRole('listitem')
  for (const [at, text] of ['first', 'second', 'third'].entries()) {
    await page.getByRole('textbox', { name: 'Prompt' }).fill(text)
    await page.getByRole('textbox', { name: 'Prompt' }).press('Enter')
    await waiting.nth(at).getByText(text).waitFor()
  }
  await waiting.nth(2).getByRole('button', { name: 'Move up' }).click()
  await waiting.nth(1).getByText('third').waitFor()
  await waiting.nth(1).getByRole('button', { name: 'Move up' }).click()
  await waiting.nth(0).getByText('third').waitFor()
  await page.getByRole('button', { name: 'Stop' }).click()
  await expect.poll(() => page.locator('.prompt').count(), PATIENCE).toBe(4)
  expect(await page.locator('.prompt p').allTextContents()).toEqual(['@hang ', 'third', 'first', 'second'])
  expect(complaints).toEqual([])
})

inBrowser('what is found in a long conversation is shown where it was said', async () => {
  await using service = await startTestService()
  const id = await begin(service, 'A needle in a haystack')
  await call(`${service.base}/v1/conversations/${id}/messages`, {
    method: 'POST',
    body: { text: '@load n=1000 rate=1000000 size=300', when_busy: 'queue' },
  })
  await begin(service, 'Hay')
  const open = await openBrowser()
  const { page, complaints } = await open(service.base)
  await page.getByRole('link', { name: 'haystack' }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('needle')
  const hit = page.getByRole('list', { name: 'Found' }).getByRole('link').first()
  await hit.locator('mark').waitFor()
  expect(await hit.locator('mark').textContent()).toBe('needle')
  await hit.click()
  await page.locator('.found').getByText('A needle in a haystack').waitFor()
  const box = await page.locator('.found').boundingBox()
  expect(box?.y).toBeGreaterThan(0)
  expect(box?.y).toBeLessThan(800)
  expect(complaints).toEqual([])
})

inBrowser('what is not indexed yet is looked for again, and nobody is told that there is nothing', async () => {
  await using service = await startTestService()
  await begin(service, 'A needle in a haystack')
  const open = await openBrowser()
  const { page } = await open(service.base)
  let asked = 0
  await page.route('**/v1/search?*', (route) => {
    // As the service answers when its index is behind.
    const behind = { hits: [], next_cursor: null, up_to_date: false }
    return ++asked === 1 ? route.fulfill({ json: behind }) : route.continue()
  })
  await page.getByLabel('Search all transcripts').fill('needle')
  await expect.poll(() => asked, PATIENCE).toBe(1)
  expect(await page.getByText('Nothing is found.').count()).toBe(0)
  await page.getByRole('list', { name: 'Found' }).getByRole('link').first().waitFor()
})

inBrowser('the real agent writes what the page has shown and allowed', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder('shop')
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/new`, PHONE)
  await page.getByLabel('Folder', { exact: true }).fill(cwd)
  await page.getByLabel('What is to be done?').fill('@write cart.ts export const sum = 1\n@end It is **there**.')
  await page.getByRole('button', { name: 'Start' }).click()
  const card = page.getByRole('region', { name: 'Write needs you' })
  await card.getByText('+ export const sum = 1').waitFor()
  await card.getByRole('button', { name: 'Allow once' }).click()
  await page.locator('.answer strong').getByText('there').waitFor()
  await card.waitFor({ state: 'detached' })
  expect(readFileSync(join(cwd, 'cart.ts'), 'utf8')).toContain('export const sum = 1')
  expect(complaints).toEqual([])
})

inBrowser('where a token is set, the page asks for it, and for it only', async () => {
  await using service = await startTestService({ config: { token: 'open sesame' } })
  const open = await openBrowser()
  const { page } = await open(service.base)
  await page.getByLabel('Token', { exact: true }).fill('wrong')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('The service does not take this token.').waitFor()
  await page.getByLabel('Token', { exact: true }).fill('open sesame')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('No conversations yet.').waitFor()
})

/** A port that stays the same through a restart. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
