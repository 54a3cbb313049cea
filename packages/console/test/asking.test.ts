import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { call, replay } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { EXECUTABLE, openBrowser, PHONE } from './page.ts'

/** What the real agent asks of a person, on a phone. */

const inBrowser = test.skipIf(EXECUTABLE === undefined)

async function start(page: Page, folder: string, prompt: string): Promise<void> {
  await page.getByLabel('Folder', { exact: true }).fill(folder)
  await page.getByLabel('What is to be done?').fill(prompt)
  await page.getByRole('button', { name: 'Start' }).click()
}

const idOf = (page: Page) => page.url().split('/').at(-1) ?? ''

inBrowser('what it asks is a form, and what was chosen reaches it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const options = [
    { label: 'Red', description: 'as a rose' },
    { label: 'Blue', description: 'as the sea' },
  ]
  const questions = [
    { question: 'Which colour?', header: 'Colour', multiSelect: false, options },
    {
      question: 'Which walls?',
      header: 'Walls',
      multiSelect: true,
      options: [
        { label: 'North', description: 'cold' },
        { label: 'South', description: 'warm' },
      ],
    },
  ]
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/new`, PHONE)
  await start(page, service.folder(), `@tool AskUserQuestion ${JSON.stringify({ questions })}`)
  await page.getByRole('radio', { name: 'Blue' }).check()
  const walls = page.getByRole('group', { name: 'Which walls?' })
  await walls.getByRole('checkbox', { name: 'North' }).check()
  await walls.getByRole('textbox').fill('the roof')
  await page.getByRole('button', { name: 'Answer', exact: true }).click()
  await page.locator('.end').waitFor()
  const settled = (await replay(service.base, idOf(page))).find(({ event }) => event.type === 'tool_permission_settled')
  expect(settled?.event).toMatchObject({
    updated_input: { answers: { 'Which colour?': 'Blue', 'Which walls?': 'North, the roof' } },
  })
  expect(complaints).toEqual([])
})

inBrowser('what it will do can be changed before it is allowed', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const cwd = service.folder()
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/new`, PHONE)
  await start(page, cwd, '@bash touch wanted.txt')
  const card = page.getByRole('region', { name: 'Bash needs you' })
  await card.getByRole('region', { name: 'Command' }).getByText('touch wanted.txt').waitFor()
  await card.getByRole('button', { name: 'Edit' }).click()
  const input = card.getByLabel('What it will do instead')
  await input.fill('{ "command": ')
  await card.getByText('This is no JSON object.').waitFor()
  expect(await card.getByRole('button', { name: 'Allow this' }).isDisabled()).toBe(true)
  await input.fill('{ "command": "touch changed.txt" }')
  await card.getByRole('button', { name: 'Allow this' }).click()
  await page.locator('.end').waitFor()
  expect([existsSync(join(cwd, 'wanted.txt')), existsSync(join(cwd, 'changed.txt'))]).toEqual([false, true])
  expect(complaints).toEqual([])
})

inBrowser('what an agent does that it calls is shown inside of the call, while it does it', async () => {
  await using service = await startTestService({ agent: 'claude' })
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/new`)
  const task = {
    description: 'look around',
    prompt: '@bash touch seen.txt\n@end Seen it all.',
    subagent_type: 'general-purpose',
    run_in_background: false,
  }
  await start(page, service.folder(), `@tool Agent ${JSON.stringify(task)}`)
  const agent = page.locator('details.call').filter({ hasText: 'look around' }).first()
  await agent.locator('summary').first().click()
  const nested = agent.locator('.nested')
  await nested.getByText('Waits for you').waitFor()
  await page.getByRole('region', { name: 'Bash needs you' }).getByRole('button', { name: 'Allow once' }).click()
  await nested.getByText(/Allowed by Chrome/).waitFor()
  await page.locator('.end').waitFor()
  expect(await page.locator('.content > .page > details.call').count()).toBe(1)
  expect(complaints).toEqual([])
})

inBrowser('the form of an MCP server has its fields, and its answer is of their types', async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'claude-proxy-trusted-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  await using service = await startTestService({ agent: 'claude', config: { trustedRoots: [root] } })
  const server = join(import.meta.dirname, '../../server/test/http/asking-server.ts')
  const made = await call(`${service.base}/v1/conversations`, { method: 'POST', body: { cwd: root } })
  const id = String(made.json?.['conversation_id'])
  const body = {
    text: '@tool mcp__asking__colour {}',
    mcp_servers: { asking: { command: process.execPath, args: [server] } },
    allowed_tools: ['mcp__asking'],
    can_answer: ['elicitation'],
  }
  await call(`${service.base}/v1/conversations/${id}/messages`, { method: 'POST', body })
  const open = await openBrowser()
  const { page, complaints } = await open(`${service.base}/#/c/${id}`, PHONE)
  const card = page.getByRole('region', { name: 'needs you' })
  await card.getByText('Which colour?').waitFor()
  await card.getByLabel('colour').fill('green')
  await card.getByRole('button', { name: 'Answer', exact: true }).click()
  await page.locator('.end').waitFor()
  const events = JSON.stringify(await replay(service.base, id))
  expect(events).toContain(String.raw`\"colour\":\"green\"`)
  expect(complaints).toEqual([])
})
