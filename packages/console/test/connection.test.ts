import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startDoor } from '../../client/test/door.ts'
import { newWorld, type Program, startProgram } from '../../server/test/e2e/program.ts'
import { call, replay } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { begin, EXECUTABLE, openBrowser, PATIENCE } from './page.ts'

/** What the page says while there is no connection, and that everything is on it once there is one again. */

const inBrowser = test.skipIf(EXECUTABLE === undefined)

const BANNER = 'No connection. It comes back by itself'

/** The numbers of the events that the page shows, as they stand below one another. */
const shownBy = (page: Page) =>
  page.locator('[data-seq]').evaluateAll((all) => all.map((each) => Number(each.getAttribute('data-seq'))))

/** The numbers of the events that a person should see. */
async function toBeShown(base: string, id: string): Promise<number[]> {
  const all = await replay(base, id)
  return all.filter(({ event }) => ['user', 'assistant', 'result'].includes(event.type)).map(({ id: seq }) => seq)
}

inBrowser(
  'a service that is killed and started again under an open page shows all of it, and nothing twice',
  async () => {
    const world = await newWorld()
    const flags = ['--agent', 'scripted']
    let program: Program = await startProgram(world, flags)
    const door = await startDoor({
      get base() {
        return program.base
      },
    })
    // Before the agent begins: what it said long ago is not drawn.
    const open = await openBrowser()
    const id = await begin(
      { base: program.base, folder: () => world.folder('shop') },
      '@load n=100000 rate=20 size=300',
    )
    const { page, complaints } = await open(`${door.base}/#/c/${id}`)
    await page.getByText('#12 @').waitFor()

    await program.kill()
    await page.getByText(BANNER).waitFor()
    await page.getByText('What you see may be old.').waitFor()
    expect(await page.getByText('#12 @').count()).toBe(1)

    program = await startProgram(world, flags)
    await page.getByText(BANNER).waitFor({ state: 'hidden' })
    // The run that the kill has ended says so, and the next one goes on below it.
    await page.locator('.end.error').waitFor()
    await page.locator('.conversation .state.idle').waitFor({ state: 'attached' })
    await page.getByLabel('Prompt').fill('And on.')
    await page.getByLabel('Prompt').press('Enter')
    await page.getByText('You said: And on.').waitFor()
    await page.locator('.end').nth(1).waitFor()
    expect(await shownBy(page)).toEqual(await toBeShown(program.base, id))
    expect(complaints).toEqual([])
  },
)

inBrowser('a network that is gone is said, and when it is back the rest comes at once', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  const open = await openBrowser()
  const id = await begin(service, '@load n=100000 rate=10 size=300')
  const { page, complaints } = await open(`${door.base}/#/c/${id}`)
  await page.getByText('#3 @').waitFor()
  const lose = async (is: boolean) => {
    await page.context().setOffline(is)
    door.open(!is)
    if (is) door.cut()
  }
  await lose(true)
  await page.getByText(BANNER).waitFor()
  await call(`${service.base}/v1/conversations/${id}/interrupt`, { method: 'POST', body: {} })
  await expect.poll(async () => (await replay(service.base, id)).at(-1)?.event.type, PATIENCE).toBe('result')
  expect(await page.locator('.end').count()).toBe(0)
  await lose(false)
  await page.locator('.end').waitFor()
  expect(await page.getByText(BANNER).count()).toBe(0)
  expect(await shownBy(page)).toEqual(await toBeShown(service.base, id))
  expect(complaints).toEqual([])
})

inBrowser('over a connection that breaks again and again, each event is there once', async () => {
  await using service = await startTestService()
  const door = await startDoor(service)
  const id = await begin(service, '@load n=55 rate=10 size=300')
  const open = await openBrowser()
  const { page, complaints } = await open(`${door.base}/#/c/${id}`)
  for (const n of [5, 15, 16, 30, 45]) {
    await page.getByText(`#${n} @`).waitFor()
    door.cut()
  }
  await page.locator('.end').waitFor()
  expect(await shownBy(page)).toEqual(await toBeShown(service.base, id))
  expect(complaints).toEqual([])
})
