import { gzipSync } from 'node:zlib'
import axe from 'axe-core'
import { expect, test } from 'vitest'
import { call } from '../../server/test/support/client.ts'
import { startTestService } from '../../server/test/support/service.ts'
import { begin, EXECUTABLE, openBrowser, PATIENCE, PHONE } from './page.ts'

const inBrowser = test.skipIf(EXECUTABLE === undefined)

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

    // Through all of it, as fast as a thumb can: no task is long enough to be felt as standing still.
    const longest = await page.evaluate<number>(`(async () => {
    let longest = 0
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
    }).observe({ type: 'longtask' })
    const scroller = document.querySelector('.scroller')
    for (let step = 0; step < 100; step++) {
      scroller.scrollTop = scroller.scrollHeight * (1 - step / 100)
      await new Promise(requestAnimationFrame)
    }
    return longest
  })()`)
    process.stderr.write(`The longest task of scrolling through 10,000 events: ${longest} ms.\n`)
    // Smooth is 50; the machine of the tests has other things to do.
    expect(longest).toBeLessThan(500)
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
    const seen = page.locator('.answer').filter({ visible: true }).first()
    const before = await seen.boundingBox()
    await call(`${service.base}/v1/conversations/${id}/messages`, { method: 'POST', body: { text: 'one more' } })
    await expect.poll(async () => (await page.locator('.state.idle').count()) > 0, PATIENCE).toBe(true)
    expect((await seen.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, -1)
    expect(complaints).toEqual([])
  },
  240_000,
)

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
