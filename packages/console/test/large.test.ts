import { gzipSync } from 'node:zlib'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { call } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { watchTasks } from './tasks.ts'
import { begin, EXECUTABLE, openBrowser, PATIENCE, PHONE } from './page.ts'

const inBrowser = test.skipIf(EXECUTABLE === undefined)

const STEPS = 100
/** Than this machine: about what a cheap phone is. */
const SLOWNESS = 4

/** Scrolls from the end to the beginning; counts what is drawn in all, and at most in one frame. */
const SCROLL = `(async () => {
  const frames = new Map()
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node.matches?.('[data-seq]'))
    const frame = document.timeline.currentTime
    frames.set(frame, (frames.get(frame) ?? 0) + added.length)
  }).observe(document.querySelector('.content'), { childList: true, subtree: true })
  const scroller = document.querySelector('.scroller')
  for (let step = 0; step < ${STEPS}; step++) {
    scroller.scrollTop = scroller.scrollHeight * (1 - step / ${STEPS})
    await new Promise(requestAnimationFrame)
  }
  const counts = [...frames.values()]
  return { drawn: counts.reduce((sum, count) => sum + count, 0), most: Math.max(...counts) }
})()`

test('what is loaded before the first paint is less than 90 KB, gzipped', async () => {
  await using service = await startTestService()
  const { text } = await call(`${service.base}/`)
  const files = [...text.matchAll(/(?:src|href)="(console\/[^"]+\.(?:js|css))"/g)].map(([, file]) => file)
  expect(files).toHaveLength(2)
  const all = await Promise.all(files.map((file) => call(`${service.base}/${file}`)))
  const bytes = [text, ...all.map((one) => one.text)].reduce((sum, one) => sum + gzipSync(one).length, 0)
  expect(bytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(90_000)
})

inBrowser(
  '10,000 events are shown with few nodes, and who reads back keeps their place',
  async () => {
    await using service = await startTestService()
    const id = await begin(service, '@load n=10000 rate=1000000 size=200 ')
    const open = await openBrowser()
    const { page, complaints } = await open(`${service.base}/#/c/${id}`)
    await page.locator('.end').waitFor({ timeout: 120_000 })
    await expect
      .poll(() => page.evaluate('document.querySelectorAll("[data-page]").length'), PATIENCE)
      .toBeGreaterThan(300)
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(3000)
    const scroller = page.getByRole('region', { name: 'Transcript' })
    const distance = () =>
      scroller.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)
    await expect.poll(distance, PATIENCE).toBeLessThan(48)

    // Through all of it, as fast as a thumb can: no frame has so much to draw that the page would stand still.
    const busyMs = await watchThread(page)
    const { drawn, most } = await page.evaluate<Record<'drawn' | 'most', number>>(SCROLL)
    const stepMs = (await busyMs()) / STEPS
    expect(drawn).toBeGreaterThan(1000)
    expect(most).toBeLessThanOrEqual(32)
    // Time of the page's own thread, which a busy machine does not make longer; a frame is 16.
    expect(stepMs).toBeLessThan(40)
    await expect.poll(() => page.evaluate('document.querySelectorAll("*").length'), PATIENCE).toBeLessThan(3000)

    await page.getByRole('button', { name: 'Jump to newest' }).click()
    await expect.poll(distance, PATIENCE).toBeLessThan(48)
    await scroller.hover()
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, -300)
        return distance()
      }, PATIENCE)
      .toBeGreaterThan(1000)
    const seq = await page.evaluate<string>(
      `[300, 330, 360, 390].map((y) => document.elementFromPoint(800, y).closest('[data-seq]')).find(Boolean).dataset.seq`,
    )
    const seen = page.locator(`[data-seq="${seq}"]`)
    // What is near is drawn one by one, and a wheel turns on for a moment.
    let before = await seen.boundingBox()
    const isStill = async () => {
      const [last, now] = [before, await seen.boundingBox()]
      before = now
      return last?.y === now?.y
    }
    await expect.poll(isStill, { ...PATIENCE, interval: 300 }).toBe(true)
    await call(`${service.base}/v1/conversations/${id}/messages`, { method: 'POST', body: { text: 'one more' } })
    await expect.poll(async () => (await page.locator('.state.idle').count()) > 0, PATIENCE).toBe(true)
    expect((await seen.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, -1)

    const busyReadingMs = await watchThread(page)
    await page.reload()
    await page.locator('.end').first().waitFor()
    const readingMs = await busyReadingMs()
    process.stderr.write(
      `10,000 events: ${Math.round(readingMs)} ms to read them, ${Math.round(stepMs)} ms for a step of scrolling.\n`,
    )
    expect(readingMs).toBeGreaterThan(0)
    expect(readingMs).toBeLessThan(1500)
    expect(complaints).toEqual([])
  },
  240_000,
)

inBrowser('10,000 events are opened and gone through on a slow phone without standing still', async () => {
  await using service = await startTestService()
  const id = await begin(service, '@load n=10000 rate=1000000 size=200 ')
  const open = await openBrowser()
  const { page } = await open(service.base, PHONE)
  await page.getByRole('link', { name: /@load/ }).waitFor()
  await page.locator('.state.running').waitFor({ state: 'detached' })
  const tasks = await watchTasks(page, SLOWNESS)
  await page.evaluate(`location.hash = '#/c/${id}'`)
  await page.locator('.end').waitFor(PATIENCE)
  await expect
    .poll(() => page.evaluate('document.querySelectorAll("[data-page]").length'), PATIENCE)
    .toBeGreaterThan(300)
  const { drawn } = await page.evaluate<Record<'drawn' | 'most', number>>(SCROLL)
  expect(drawn).toBeGreaterThan(1000)
  const [longest = Infinity, second = Infinity] = await tasks()
  process.stderr.write(`10,000 events, ${SLOWNESS} times slower: at most ${longest} ms at a time, else ${second} ms.\n`)
  expect(longest).toBeGreaterThan(1)
  expect(longest).toBeLessThan(100)
})

inBrowser.each(['light', 'dark'] as const)(
  'nothing on the page keeps anybody out: %s',
  async (colorScheme) => {
    await using service = await startTestService()
    const done = await begin(service, 'Say `this` and [that](https://example.org).\n\n| a | b |\n|---|---|\n| 1 | 2 |')
    const asked = await begin(service, '@ask tool=Bash ')
    const failed = await begin(service, '@fail')
    const open = await openBrowser()
    for (const options of [{ viewport: { width: 1280, height: 800 } }, PHONE]) {
      for (const place of ['', '#/new', `#/c/${done}`, `#/c/${asked}`, `#/c/${failed}`]) {
        // The policy of the page would not let a test in.
        const { page } = await open(`${service.base}/${place}`, { ...options, colorScheme, bypassCSP: true })
        await page
          .getByText(place === '' || options !== PHONE ? 'Live' : /Start|Send/)
          .first()
          .waitFor()
        if (place.endsWith(asked)) await page.getByRole('button', { name: 'Allow once' }).waitFor()
        if (place.endsWith(done) || place.endsWith(failed)) await page.locator('.end').waitFor()
        await page.evaluate(axe.source)
        const found = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
          `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
        )
        const said = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
        expect({ place, said }).toEqual({ place, said: [] })
        await page.context().close()
      }
    }
  },
  180_000,
)

/** Says how many milliseconds the page's thread has worked since. */
async function watchThread(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busyMs = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000
  }
  const before = await busyMs()
  return async () => (await busyMs()) - before
}
