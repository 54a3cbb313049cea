import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { call } from '../../server/test/support/client.ts'
import { startTestService, type TestService } from '../../server/test/support/service.ts'
import { newToken } from '../../server/test/support/tokens.ts'
import { expectAccessible } from './accessible.ts'
import { begin, EXECUTABLE, openBrowser, PATIENCE, PHONE } from './page.ts'

const inBrowser = test.skipIf(EXECUTABLE === undefined)

/** Both ends of what people look at it with. The policy of the page would not let the checks in. */
const SCREENS = [
  { viewport: { width: 1280, height: 800 }, colorScheme: 'light', bypassCSP: true },
  { ...PHONE, colorScheme: 'dark', bypassCSP: true },
] as const

inBrowser('what was used is shown by day, folder and model, as bars and as tables', async () => {
  await using service = await startTestService()
  const open = await openBrowser()
  const { page, complaints } = await open(service.base)
  await page.getByRole('link', { name: 'Usage' }).click()
  await page.getByText('No run ended in these days.').waitFor()
  await begin(service, '@use input=9000 output=1000 usd=1.5', service.folder('shop'))
  await begin(service, '@use input=500 output=500 usd=0.25', service.folder('site'))
  await ended(service, 2)
  for (const screen of SCREENS) {
    const opened = await open(`${service.base}/#/usage`, screen)
    const folders = opened.page.getByRole('table', { name: 'By folder' })
    await expect.poll(() => rowsOf(opened.page, 'By folder'), PATIENCE).toEqual(['shop $1.50', 'site $0.250'])
    await opened.page.getByText('$1.75').first().waitFor()
    await opened.page.getByText('As a table').click()
    expect(await opened.page.getByRole('table', { name: 'By day' }).getByRole('row').count()).toBe(2)
    await opened.page.getByLabel('What of it').selectOption('Tokens')
    await expect.poll(() => rowsOf(opened.page, 'By folder'), PATIENCE).toEqual(['shop 10K', 'site 1K'])
    await expectAccessible(opened.page, 'usage')
    await folders.getByRole('button', { name: 'site' }).click()
    await expect.poll(() => rowsOf(opened.page, 'By folder'), PATIENCE).toEqual(['site 1K'])
    await opened.page.getByRole('button', { name: 'Show all folders' }).click()
    await expect.poll(() => rowsOf(opened.page, 'By folder'), PATIENCE).toHaveLength(2)
    expect(opened.complaints).toEqual([])
  }
  expect(complaints).toEqual([])
})

inBrowser('the end of each run says what it took and cost itself', async () => {
  await using service = await startTestService()
  const id = await talk(service, ['@use input=1 output=1 usd=1.5', '@use input=1 output=1 usd=0.25'])
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/c/${id}`)
  const facts = page.locator('.end .facts')
  await facts.nth(1).waitFor()
  const [first, second] = await facts.allTextContents()
  expect(first).toMatch(/^[\d.]+ m?s · \$1\.50$/)
  expect(second).toMatch(/^[\d.]+ m?s · \$0\.250$/)
})

inBrowser('the list marks whose last run failed, until one ends well', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@fail')
  await begin(service, 'Hello')
  await ended(service, 2)
  const open = await openBrowser()
  for (const screen of SCREENS) {
    const { page } = await open(service.base, screen)
    const row = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: /@fail failed/ }) })
    await row.waitFor()
    expect(await page.locator('.state.failed').count()).toBe(1)
    await expectAccessible(page, 'a list with a failure')
  }
  const { page } = await open(service.base)
  await page.locator('.state.failed').waitFor()
  await say(service, id, 'Again.')
  await page.locator('.state.failed').waitFor({ state: 'detached' })
})

inBrowser('from the end of a run one sees what took how long in it, and who was waited for', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@ask tool=Bash ')
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/c/${id}`, SCREENS[0])
  await page.getByRole('button', { name: 'Allow once' }).click()
  await page.getByRole('link', { name: 'Timeline and changes' }).click()
  await page.getByRole('listitem').filter({ hasText: 'Bash' }).getByText('waiting for you').waitFor()
  await page.getByText(/^ *Waiting for you/).waitFor()
  await page.getByText('No file was changed').waitFor()
  await expectAccessible(page, 'a run')
  const phone = await open(page.url(), SCREENS[1])
  await phone.page.getByText(/^ *Waiting for you/).waitFor()
  expect(await phone.page.evaluate('document.querySelector(".sheet").scrollWidth <= innerWidth')).toBe(true)
  await expectAccessible(phone.page, 'a run on a phone')
  await phone.page.getByRole('link', { name: 'Bash true' }).click()
  await phone.page.getByText(/Allowed by/).waitFor()
})

inBrowser('files go back to where they were at a prompt, after one has seen which', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder('shop')
  const prompts = ['@write cart.ts one\\n\n@end It is there.', '@write cart.ts two\\n\n@end It is two.']
  const id = await talk(service, prompts, cwd, { permission_mode: 'acceptEdits' })
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/c/${id}`, SCREENS[1])
  await page.getByRole('button', { name: 'Fork or rewind from here' }).last().click()
  await expectAccessible(page, 'back to a prompt')
  await page.getByRole('button', { name: 'Rewind files' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('-one').waitFor()
  await dialog.getByText('+two').waitFor()
  await expectAccessible(page, 'rewinding')
  expect(readFileSync(join(cwd, 'cart.ts'), 'utf8')).toBe('two\n')
  await dialog.getByRole('button', { name: 'Put 1 file back' }).click()
  await dialog.getByText('1 file put back.').waitFor()
  expect(readFileSync(join(cwd, 'cart.ts'), 'utf8')).toBe('one\n')
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await page.getByText('Files were put back.').waitFor()
  expect(complaints).toEqual([])
})

inBrowser('a fork has what was said before a prompt, and the prompt to be said differently', async () => {
  await using service = await startTestService()
  const id = await talk(service, ['first', 'second'])
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/c/${id}`)
  await page.getByText('You said: second').waitFor()
  await page.getByRole('button', { name: 'Fork or rewind from here' }).last().click()
  await page.getByRole('button', { name: 'Fork from here' }).click()
  await page.getByText('Forked from another conversation.').waitFor()
  expect(page.url()).not.toContain(id)
  expect(await page.getByText('You said: first').count()).toBe(1)
  expect(await page.getByText('You said: second').count()).toBe(0)
  expect(await page.getByLabel('Prompt', { exact: true }).inputValue()).toBe('second')
})

inBrowser('a conversation gets a name and tags, is kept as files, put away, brought back, and deleted', async () => {
  await using service = await startTestService()
  const id = await talk(service, ['Say something'])
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/c/${id}`, SCREENS[0])
  await page.getByLabel('More').click()
  const menu = page.locator('.menu[open]')
  await menu.getByLabel('Title').fill('The cart')
  await menu.getByLabel('Tags').fill('shop, later, shop')
  await menu.getByLabel('Tags').press('Enter')
  await page.getByRole('heading', { name: 'The cart' }).waitFor()
  await expect.poll(async () => (await look(service, id))['tags'], PATIENCE).toEqual(['shop', 'later'])
  await expectAccessible(page, 'the menu of a conversation')
  for (const [name, file, has] of [
    ['Markdown', 'The-cart.md', 'Say something'],
    ['Events', 'The-cart.ndjson', '"type":"result"'],
  ] as const) {
    const [download] = await Promise.all([page.waitForEvent('download'), menu.getByRole('button', { name }).click()])
    expect(download.suggestedFilename()).toBe(file)
    expect(await text(await download.createReadStream())).toContain(has)
  }
  await menu.getByRole('button', { name: 'Archive' }).click()
  await page.getByText('No conversations yet.').waitFor({ state: 'hidden' })
  await page.getByRole('link', { name: 'Archived' }).click()
  await page.getByRole('button', { name: 'Bring back The cart' }).waitFor()
  await expectAccessible(page, 'what is archived')
  await page.getByRole('button', { name: 'Bring back The cart' }).click()
  await page.getByText('Nothing is archived.').waitFor()
  await page
    .getByRole('navigation')
    .getByRole('link', { name: /The cart/ })
    .click()
  await page.getByLabel('More').click()
  await page.getByRole('button', { name: 'Delete…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(/The cart goes for good, with 1 run, \d+ events/).waitFor()
  await expectAccessible(page, 'a deletion')
  await dialog.getByRole('button', { name: 'Keep it' }).click()
  await page.getByRole('button', { name: 'Delete…' }).click()
  await dialog.getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('No conversations yet.').waitFor()
  expect((await call(`${service.base}/v1/conversations/${id}`)).status).toBe(404)
  expect(complaints).toEqual([])
})

inBrowser('the keys are told, and closing what tells them stops no agent', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@hang ')
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/c/${id}`, SCREENS[0])
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByText('Stop the agent').waitFor()
  await expectAccessible(page, 'the keys')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect((await look(service, id))['state']).toBe('running')
  await page.keyboard.press('Escape')
  await expect.poll(async () => (await look(service, id))['state'], PATIENCE).toBe('idle')
})

inBrowser('a folder is found by going down and up, as far as agents may go', async () => {
  await using service = await startTestService()
  service.folder('shop/src')
  const shop = service.folder('shop')
  const open = await openBrowser()
  const { page } = await open(`${service.base}/#/new`, SCREENS[1])
  const field = page.getByLabel('Folder', { exact: true })
  await field.fill(shop)
  await page.getByRole('button', { name: 'src' }).click()
  expect(await field.inputValue()).toBe(join(shop, 'src'))
  await page.getByText(`No folders in ${join(shop, 'src')}.`).waitFor()
  await page.getByRole('button', { name: `Up to ${shop}` }).click()
  await page.getByRole('button', { name: 'src' }).waitFor()
  await expectAccessible(page, 'the choice of a folder')
  await field.fill(join(shop, 'nothing'))
  await page.getByText(/does not exist/).waitFor()
})

inBrowser('a folder is looked for from where agents may work, and with a token from where it leads', async () => {
  await using elsewhere = await startTestService()
  elsewhere.folder('shop/src')
  const [shop, site] = [elsewhere.folder('shop'), elsewhere.folder('site')]
  await using service = await startTestService({ config: { allowedRoots: [shop, site] } })
  const open = await openBrowser()
  for (const screen of SCREENS) {
    const { page, complaints } = await open(`${service.base}/#/new`, screen)
    const roots = page.getByRole('list', { name: 'Where agents may work' }).getByRole('button')
    await roots.first().waitFor()
    expect(await roots.allTextContents()).toEqual([shop, site])
    await expectAccessible(page, 'where agents may work')
    await roots.first().click()
    await page.getByRole('button', { name: 'src' }).click()
    await page.getByRole('button', { name: `Up to ${shop}` }).click()
    await page.getByRole('button', { name: 'Up to all folders' }).click()
    await roots.nth(1).click()
    await page.getByText(`No folders in ${site}.`).waitFor()
    expect(complaints).toEqual([])
  }
  const { headers } = await newToken(service, { roots: [site] })
  const { page } = await open(`${service.base}/#/new`, { extraHTTPHeaders: headers })
  const root = page.getByRole('list', { name: 'Where agents may work' }).getByRole('button')
  await root.waitFor()
  expect(await root.allTextContents()).toEqual([site])
})

inBrowser('the folder of a conversation can be read, and what is not committed in it', async () => {
  await using service = await startTestService()
  const cwd = service.folder('shop')
  git(cwd, 'init', '-q')
  mkdirSync(join(cwd, 'src'))
  writeFileSync(join(cwd, 'src/cart #1.ts'), 'const one = 1\n')
  writeFileSync(join(cwd, 'dot.png'), Buffer.from(DOT, 'base64'))
  writeFileSync(join(cwd, 'empty'), '')
  git(cwd, 'add', '.')
  git(cwd, 'commit', '-qm', 'Begin')
  writeFileSync(join(cwd, 'src/cart #1.ts'), 'const one = 1\nconst two = 2\n')
  writeFileSync(join(cwd, 'new.txt'), 'new\n')
  const id = await begin(service, 'Hello', cwd)
  const open = await openBrowser()
  for (const screen of SCREENS) {
    const { page, complaints } = await open(`${service.base}/#/c/${id}`, screen)
    await page.getByLabel('More').click()
    await page.getByRole('link', { name: 'Files and changes' }).click()
    const changes = page.getByRole('region', { name: 'Not committed on main' })
    await changes.getByText('src/cart #1.ts').click()
    await changes.getByText('+const two = 2').waitFor()
    await changes.getByText('new.txt').waitFor()
    await expectAccessible(page, 'the files of a folder')
    await page.getByRole('link', { name: 'src/' }).click()
    await page.getByRole('link', { name: 'cart #1.ts' }).click()
    await page.getByRole('region', { name: 'Content of src/cart #1.ts' }).getByText('const two = 2').waitFor()
    await expectAccessible(page, 'a file')
    await page.getByRole('link', { name: 'shop', exact: true }).click()
    await page.getByRole('link', { name: 'dot.png' }).click()
    await page.getByRole('img', { name: 'dot.png' }).waitFor()
    await page.goBack()
    await page.getByRole('link', { name: 'empty' }).click()
    await page.getByRole('region', { name: 'Content of empty' }).waitFor({ state: 'attached' })
    expect(complaints).toEqual([])
  }
})

const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Git without this machine's settings. */
function git(cwd: string, ...args: string[]): void {
  const who = ['-c', 'user.name=A Person', '-c', 'user.email=person@example.org', '-c', 'init.defaultBranch=main']
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  execFileSync('git', [...who, ...args], { cwd, env })
}

/** How a table reads: its rows, with the cells beside one another. */
async function rowsOf(page: Page, name: string): Promise<string[]> {
  const rows = await page.getByRole('table', { name }).locator('tbody tr').all()
  return Promise.all(rows.map(async (row) => (await row.locator('th, td').allInnerTexts()).join(' ')))
}

async function look(service: TestService, id: string): Promise<Record<string, unknown>> {
  return (await call(`${service.base}/v1/conversations/${id}`)).json ?? {}
}

/** A conversation in which these were said, each when the run before was over. */
async function talk(
  service: TestService,
  [first = '', ...others]: readonly string[],
  cwd = service.folder(),
  more: object = {},
): Promise<string> {
  const id = await begin(service, first, cwd, more)
  await ended(service, 1)
  for (const [n, prompt] of others.entries()) {
    await say(service, id, prompt, more)
    await ended(service, n + 2)
  }
  return id
}

async function say(service: TestService, id: string, prompt: string, more: object = {}): Promise<void> {
  await call(`${service.base}/v1/conversations/${id}/messages`, { method: 'POST', body: { text: prompt, ...more } })
}

/** Until so many runs are over. */
async function ended(service: TestService, runs: number): Promise<void> {
  const count = async () => {
    const { json } = await call(`${service.base}/v1/usage`)
    return (json?.['total'] as { runs?: number } | undefined)?.runs
  }
  await expect.poll(count, PATIENCE).toBe(runs)
}
